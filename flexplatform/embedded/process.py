"""A program as a child process that never outlives its parent's care, and is found again if the parent was killed."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LOOPBACK = "127.0.0.1"
SECONDS_TO_END = 10.0


@dataclass(frozen=True)
class Account:
    """The ordinary user that a program runs as."""

    user: int
    group: int

    @property
    def options(self) -> dict[str, Any]:
        """What `subprocess` takes for it."""
        return {"user": self.user, "group": self.group, "extra_groups": []}


class ChildProcess:
    """A program in a process group of its own; leaving the context ends the whole group.

    `record` is a file that keeps its process id while it runs; a group that it still names is ended before a new
    start. `polite` programs end their own children on SIGTERM, so only they are told, and the group gets the rest.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        record: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        account: Account | None = None,
        text_in: str = "",
        log: Path | None = None,
        polite: bool = False,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.record = record
        self.environment = {**os.environ, **(environment or {})}
        self.folder = folder
        self.account = account
        self.text_in = text_in
        self.log = log
        self.polite = polite
        self.stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process.

        Raises:
            RuntimeError: when it was not started.
        """
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._process

    def start(self) -> None:
        """Start the program, after ending what is left of an earlier one."""
        if self.record is not None:
            end_recorded(self.record)
        self._asked = False
        output = self.log.open("ab") if self.log else None
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE if self.text_in else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **(self.account.options if self.account else {}),
            )
        finally:
            if output is not None:
                output.close()
        if self.record is not None:
            self.record.parent.mkdir(parents=True, exist_ok=True)
            own, parent = self.process.pid, os.getpid()
            kept = {"pid": own, "born": _born(own), "parent": parent, "parent_born": _born(parent)}
            self.record.write_text(json.dumps({**kept, "folder": str(self.folder or "")}))
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.write(self.text_in.encode())
                self.process.stdin.close()

    def ended(self) -> int | None:
        """Return the exit code when the program has ended by itself."""
        return self.process.poll()

    def ask_to_end(self) -> None:
        """Tell the program to end, once, and do not wait for it."""
        if self._process is None or self._asked:
            return
        self._asked = True
        if self.polite:
            self._process.send_signal(self.stop_signal)
        else:
            _signal_group(self._process.pid, self.stop_signal)

    def stop(self) -> None:
        """End the program and everything it started; nothing happens when it was not started."""
        if self._process is None:
            return
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
        # Children may outlive a leader that was killed, so the group gets the last word in any case.
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        if self.record is not None:
            self.record.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_until_it_listens(child: ChildProcess, port: int, seconds: float) -> None:
    """Return once the program accepts connections on a port of the loopback interface.

    Raises:
        RuntimeError: when it ends or stays silent; with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while child.ended() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        time.sleep(0.02)
    said = child.log.read_text(errors="replace")[-2000:] if child.log and child.log.exists() else ""
    raise RuntimeError(f"{child.name} did not start on port {port}. {said}".strip())


def end_recorded(record: Path) -> None:
    """End the process group that a record names, when it is still the one that was recorded."""
    try:
        kept = json.loads(record.read_text())
        pid, born = int(kept["pid"]), str(kept["born"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    for number, seconds in ((signal.SIGTERM, SECONDS_TO_END / 2), (signal.SIGKILL, SECONDS_TO_END / 2)):
        if not born or _born(pid) != born:
            break
        _signal_group(pid, number)
        deadline = time.monotonic() + seconds
        while _born(pid) == born and time.monotonic() < deadline:
            time.sleep(0.05)
    record.unlink(missing_ok=True)


def end_orphans(records: Path) -> list[Path]:
    """End the recorded programs whose parent is gone, and return the folders that they worked in."""
    folders = []
    for record in records.glob("*.json"):
        try:
            kept = json.loads(record.read_text())
            alive = _born(int(kept["parent"])) == str(kept["parent_born"])
            folder = Path(kept["folder"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not alive:
            end_recorded(record)
            folders.append(folder)
    return folders


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _born(pid: int) -> str:
    """Return what tells this process from a later one with the same number; empty when there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if after_name[0] == "Z" else after_name[19]
    answer = subprocess.run(  # noqa: S603
        ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip()
