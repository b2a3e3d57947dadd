"""A process of its own with the platform's code and a database of its own: one JSON command per line, one answer."""

import json
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from assets.models import Site  # noqa: E402
from flexmarket.models import FlexibilityOffers  # noqa: E402
from flexplatform import demo  # noqa: E402
from flexplatform.accounts.audit import acting  # noqa: E402
from flexplatform.accounts.models import Door, Organization  # noqa: E402
from flexplatform.accounts.scoping import organization_scope  # noqa: E402
from flexplatform.jobs.models import Job, Worker  # noqa: E402
from flexplatform.jobs.services import cancel  # noqa: E402
from flexplatform.registry import DemoContext, demo_steps  # noqa: E402
from optimization.engine import Horizon  # noqa: E402
from optimization.models import PlannedSite, PortfolioRun, ScheduleRun, ScheduleSeries  # noqa: E402
from optimization.portfolio_runs import request_portfolio_run  # noqa: E402
from optimization.services import request_schedule  # noqa: E402
from tests.benchmarks.portfolio_sites import make_organization  # noqa: E402

DAY = date(2026, 11, 22)


def prepare(organizations: list[str], scenario: str) -> None:
    """Make the tables, and organizations that have a site each and no plan."""
    call_command("migrate", verbosity=0, interactive=False)
    for slug in organizations:
        organization = Organization.objects.create(name=slug, slug=slug)
        context = DemoContext(organization=organization, day=DAY, only=(scenario,))
        with organization_scope(organization), acting("tests", Door.COMMAND):
            for step in demo_steps:
                if step.name in ("portfolio", "sites"):
                    assert not step.run(context)


def request(organization: str, **options: Any) -> int:
    """Ask for a plan of the organization's site."""
    with organization_scope(Organization.objects.get(slug=organization)), acting("tests", Door.COMMAND):
        site = Site.objects.select_related("organization").get()
        return request_schedule(site=site, horizon=Horizon.market_day(DAY, demo.ZONE), **options).pk


def prepare_many(organization: str, count: int) -> None:
    """Make an organization with sites of five kinds, and no plan."""
    make_organization(organization, count, ("pv", "bat", "ev", "hp", "residential_house"), DAY)


def request_many(organization: str, **options: Any) -> int:
    """Ask for the plans of all sites of the organization."""
    owner = Organization.objects.get(slug=organization)
    with organization_scope(owner), acting("tests", Door.COMMAND):
        return request_portfolio_run(organization=owner, when=DAY, **options).job.pk


def look_at_many(organization: str) -> dict[str, Any]:
    """Return the organization's portfolio run, its chunks, and the rows of its sites."""
    with organization_scope(Organization.objects.get(slug=organization)):
        run = PortfolioRun.objects.select_related("job").get()
        results = PlannedSite.objects.filter(portfolio_run=run)
        return {
            "status": run.job.status,
            "counted": [run.site_count, run.planned, run.failed],
            "results": results.count(),
            "sites_with_a_run": ScheduleRun.objects.values("site").distinct().count(),
            "runs": dict(ScheduleRun.objects.values_list("pk", "site_id")),
            "with_offers": FlexibilityOffers.objects.values("run").distinct().count(),
            "parts": list(
                Job.objects.filter(parent=run.job).order_by("pk").values("pk", "status", "attempts", "worker")
            ),
        }


def stop(organization: str, job: int) -> None:
    """Cancel a job."""
    with organization_scope(Organization.objects.get(slug=organization)), acting("tests", Door.COMMAND):
        cancel(job=Job.objects.get(pk=job))


def look(organization: str) -> dict[str, Any]:
    """Return the organization's jobs and how many rows of each table it has."""
    with organization_scope(Organization.objects.get(slug=organization)):
        fields = ("pk", "status", "attempts", "worker", "result", "error", "progress")
        return {
            "jobs": list(Job.objects.order_by("pk").values(*fields)),
            "runs": ScheduleRun.objects.count(),
            "series": ScheduleSeries.objects.count(),
            "offers": FlexibilityOffers.objects.count(),
            "offered_devices": FlexibilityOffers.objects.values("device").distinct().count(),
        }


def workers() -> list[str]:
    """Return the names of the workers that were seen."""
    return [name.partition("@")[0] for name in Worker.objects.values_list("name", flat=True)]


COMMANDS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (prepare, request, prepare_many, request_many, look_at_many, stop, look, workers)
}

if __name__ == "__main__":
    for line in sys.stdin:
        name, arguments = json.loads(line)
        sys.stdout.write(json.dumps(COMMANDS[name](**arguments)) + "\n")
        sys.stdout.flush()
