"""FlexMeasures end to end: `uv run python -m tests.flexmeasures_server [--environment FOLDER]`.

Installs FlexMeasures in an environment of its own, starts it with a real PostgreSQL and a real Valkey, pushes a site
with a battery and a plant to it, and compares what its API gives back value by value.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.flexmeasures_server.server import FlexMeasures


def main() -> None:
    """Run all checks and print what was seen; the first that fails ends the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, help="keeps the installation in this folder for the next time")
    options = parser.parse_args()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="flexplatform-flexmeasures-")))
        own_environment(folder)
        server = started(running, folder, options.environment or folder / "environment")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0, interactive=False)
        from tests.flexmeasures_server.checks import check

        check(server)


def own_environment(folder: Path) -> None:
    """Let our own settings, which are read once, know a database and secrets of this trial only."""
    os.environ.update({"VAR_DIR": str(folder / "var"), "DJANGO_SETTINGS_MODULE": "flexplatform.settings"})
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        os.environ.pop(name, None)


def started(running: ExitStack, folder: Path, environment: Path) -> "FlexMeasures":
    """Install FlexMeasures and start it with its servers; our own settings are told where it is."""
    import psycopg

    from flexplatform.embedded.postgres import running_postgres
    from flexplatform.embedded.valkey import running_valkey
    from tests.flexmeasures_server.server import FlexMeasures, install

    with told("FlexMeasures is installed"):
        python = install(environment)
    postgres = running.enter_context(running_postgres())
    valkey = running.enter_context(running_valkey(folder / "valkey"))
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE flexmeasures")
    server = FlexMeasures(folder / "home", python, postgres, valkey)
    running.callback(server.stop)
    os.environ["FLEXMEASURES_ALLOWED_HOSTS"] = f"127.0.0.1:{server.port}"
    with told(f"FlexMeasures is prepared in PostgreSQL {postgres.version}"):
        server.prepare()
    with told(f"FlexMeasures answers at {server.url}"):
        server.start()
    return server


@contextmanager
def told(what: str) -> Iterator[None]:
    """Print that something is done, and how many seconds it took."""
    begun = time.monotonic()
    yield
    print(f"{what} ({time.monotonic() - begun:.1f} s)", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
