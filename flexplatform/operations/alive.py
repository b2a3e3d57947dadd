"""Whether a process of this machine does its work, for the health checks of containers.

Worker, clock and bridge leave a file whenever they have done something; `python -m flexplatform.operations.alive
worker` fails where that is too long ago. It starts no Django, as it is asked every few seconds.
"""

import json
import os
import socket
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from flexplatform.env import VAR_DIR, env

WORKER, CLOCK, BRIDGE, WEB = "worker", "clock", "bridge", "web"
SECONDS = 60.0
SECONDS_TO_ANSWER = 5.0


def note(name: str) -> None:
    """Leave word that this process is alive; a full or read-only disk is no reason to stop it."""
    path = _path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        return


def trouble(name: str, seconds: float = SECONDS) -> str:
    """Return why the process counts as dead; empty when it did something in the last `seconds`."""
    try:
        age = time.time() - _path(name).stat().st_mtime
    except OSError:
        return f"{name}: nothing done since the start"
    return f"{name}: nothing done for {age:.0f} s" if age > seconds else ""


def web_trouble(port: int) -> str:
    """Return why the web server on this machine cannot serve; empty when it answers and has its database.

    What other processes lack is no reason to start this one again.
    """
    host = next((name for name in env.list("ALLOWED_HOSTS", default=[]) if "*" not in name), "localhost")
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)
    try:
        connection.request("GET", "/healthz", headers={"Host": host.lstrip(".")})
        checks = json.loads(connection.getresponse().read())["checks"]
    except (OSError, HTTPException, ValueError, KeyError) as error:
        return f"web: no answer ({error})"
    finally:
        connection.close()
    return "" if checks["database"] == "ok" else f"web: database {checks['database']}"


def _path(name: str) -> Path:
    """Return the file of a process; machines that share a folder have one each."""
    return VAR_DIR / "run" / f"{name}.{socket.gethostname()}.alive"


def main(name: str) -> None:
    """End with an error that says what is wrong with a process, if anything is."""
    said = web_trouble(int(os.environ.get("PORT", "8000"))) if name == WEB else trouble(name)
    # An empty text would be an error too.
    sys.exit(said or None)


if __name__ == "__main__":
    main(sys.argv[1])
