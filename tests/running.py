"""`manage.py up` as a person runs it: a process of its own with its data in a folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from flexplatform.env import BASE_DIR

SECONDS = 120


class Up:
    """The command, its output, and every process of it."""

    def __init__(self, port: int, var: Path, *options: str, output: str = "output.txt") -> None:
        self.output = var / output
        environment = {**os.environ, "VAR_DIR": str(var), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
            environment.pop(name, None)
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port), *options],
                cwd=BASE_DIR,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, text: str) -> None:
        """Return once the command has said this."""
        deadline = time.monotonic() + SECONDS
        while text not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def children(self) -> list[int]:
        """Return the processes that the command started, and theirs."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                after_name = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(stat.parent.name)] = int(after_name[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found - {self.process.pid})

    def stop(self) -> None:
        """End the command, and with it its children."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
