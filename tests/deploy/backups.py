"""The commands of docs/deployment.md, run on servers of this machine, and what is in these."""

import os
import re
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from flexplatform.embedded.postgres import Postgres
from flexplatform.embedded.process import LOOPBACK
from flexplatform.env import BASE_DIR

FILE = BASE_DIR / "docs/deployment.md"
INSIDE = "docker compose exec -T postgres "


def in_docs(heading: str) -> list[str]:
    """Return the commands of the first block below a heading."""
    block = re.search(r"```sh\n(.*?)```", FILE.read_text().partition(f"\n{heading}\n")[2], re.DOTALL)
    assert block, heading
    return block[1].splitlines()


def run_on(server: Postgres, commands: list[str], folder: Path) -> None:
    """Run commands as if inside the container of a server; files lie in `folder`."""
    places = {"PGHOST": LOOPBACK, "PGPORT": str(server.port), "PGPASSWORD": server.password}
    path = f"{server.programs}:{os.environ['PATH']}"
    for command in commands:
        assert command.startswith(INSIDE)
        subprocess.run(  # noqa: S602
            command.removeprefix(INSIDE),
            # As they stand in the documentation, with their redirections.
            shell=True,
            cwd=folder,
            env={**os.environ, **places, "PATH": path},
            check=True,
        )


def counts(server: Postgres) -> dict[str, int]:
    """Return how many rows each table has; partitions count in their table."""
    with psycopg.connect(server.url("flexplatform")) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition"
        ).fetchall()
        return {name: _count(connection, name) for (name,) in names}


def _count(connection: "psycopg.Connection[tuple[int]]", name: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
    assert row
    return row[0]
