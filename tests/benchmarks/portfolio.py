"""Portfolio run end to end: `uv run python -m tests.benchmarks.portfolio [--sites 1000 10000] [--workers 2]`.

Sites of five mixes in a real PostgreSQL, a real Valkey and worker processes: rows in, schedules and offers stored.
"""

import argparse
import os
import platform as machine
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DAY = date(2026, 11, 22)
MIXES = ("pv", "bat", "ev", "hp", "residential_house")
SECONDS = 3600.0


@dataclass(frozen=True)
class Measured:
    """One run: sites, seconds from the request to its end, seconds in the solver, peak memory of the workers in MB."""

    sites: int
    failed: int
    seconds: float
    solving: float
    unchanged_seconds: float
    peak_mb: float


def main() -> None:
    """Make the sites, plan them, and show a row for each number of sites."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, nargs="+", default=[1000])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        environment = servers(running, folder)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0, interactive=False)
        workers = start_workers(running, environment, folder, options.workers)
        measured = [measure(count, workers) for count in options.sites]
    show(measured, options.workers)


def servers(running: ExitStack, folder: Path) -> dict[str, str]:
    """Start the database and the broker, and return what tells everybody where they are."""
    from flexplatform.embedded.postgres import running_postgres
    from flexplatform.embedded.valkey import running_valkey

    environment = {
        "DATABASE_URL": running.enter_context(running_postgres()).url(),
        "CELERY_BROKER_URL": running.enter_context(running_valkey(folder / "valkey")).url,
        "VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "flexplatform.settings",
    }
    os.environ.update(environment)
    return environment


def start_workers(running: ExitStack, environment: dict[str, str], folder: Path, count: int) -> list[int]:
    """Start workers and return the ids of their process groups."""
    from flexplatform.jobs.models import Worker
    from flexplatform.server import job_worker

    started = []
    for number in range(count):
        worker = running.enter_context(job_worker(environment, folder, f"worker{number}"))
        worker.start()
        started.append(os.getpgid(worker.process.pid))
    while Worker.objects.count() < count:
        time.sleep(0.1)
    return started


def measure(count: int, workers: list[int]) -> Measured:
    """Plan this many new sites, then all of them again."""
    from flexplatform.accounts.audit import acting
    from flexplatform.accounts.models import Door
    from flexplatform.accounts.scoping import organization_scope
    from optimization.models import ScheduleRun
    from tests.benchmarks.portfolio_sites import make_organization

    organization = make_organization(f"n{count}", count, MIXES, DAY)
    with organization_scope(organization), acting("benchmark", Door.COMMAND):
        first, failed = run_once(organization)
        again, _ = run_once(organization)
        solving = sum(run["solve"] for run in ScheduleRun.objects.values_list("seconds", flat=True).iterator())
    return Measured(count, failed, first, solving, again, max(peak_mb(group) for group in workers))


def run_once(organization: object) -> tuple[float, int]:
    """Ask for a run and wait for its end; return its seconds and how many sites failed."""
    from optimization.models import PortfolioRun
    from optimization.portfolio_runs import request_portfolio_run

    started = time.perf_counter()
    asked = request_portfolio_run(organization=organization, when=DAY)  # type: ignore[arg-type]
    while time.perf_counter() - started < SECONDS:
        time.sleep(0.2)
        run = PortfolioRun.objects.select_related("job").get(pk=asked.pk)
        if run.job.finished:
            if run.job.status != "succeeded":
                sys.exit(f"The run ended as {run.job.status}: {run.job.error}")
            return time.perf_counter() - started, run.failed
    sys.exit("The run did not end.")


def peak_mb(group: int) -> float:
    """Return the most memory that a process of the group ever held, MB."""
    return max((peak for pid, peak in _peaks() if _group_of(pid) == group), default=0.0)


def _peaks() -> Iterator[tuple[int, float]]:
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if "VmHWM" in lines:
            yield int(status.parent.name), int(lines["VmHWM"].split()[0]) / 1000


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def show(measured: list[Measured], workers: int) -> None:
    """Print the table; time per site is compared with the first row's."""
    from rich.console import Console
    from rich.table import Table

    title = f"{workers} workers on {os.cpu_count()} cores, Python {machine.python_version()}, mixes {', '.join(MIXES)}"
    head = ("sites", "failed", "s", "sites/s", "solver's share", "peak MB", "time per site", "again, nothing new, s")
    table = Table(*head, title=title)
    for row in measured:
        share = row.solving / (workers * row.seconds)
        ratio = (row.seconds / row.sites) / (measured[0].seconds / measured[0].sites)
        cells = (row.sites, row.failed, f"{row.seconds:.1f}", f"{row.sites / row.seconds:.1f}", f"{share:.0%}")
        more = (f"{row.peak_mb:.0f}", f"x {ratio:.2f}", f"{row.unchanged_seconds:.1f}")
        table.add_row(*map(str, (*cells, *more)))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
