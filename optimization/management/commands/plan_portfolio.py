"""Ask for the plans of all sites of an organization or a portfolio, as a timer does every night."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError
from django.utils import timezone

from assets.models import Portfolio
from flexplatform.accounts.management.base import AccountCommand
from flexplatform.accounts.models import Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.errors import JobConflictError
from optimization.engine import ProblemError
from optimization.portfolio_runs import SECONDS_PER_SITE, request_portfolio_run
from optimization.services import REQUEST_GAP


class Command(AccountCommand):
    """Workers do the plans; the command only asks for them and prints the id of the run."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what is to be planned, and how."""
        parser.add_argument("organization", help="its name in addresses")
        parser.add_argument("--portfolio", default="", help="name of a portfolio (default: all sites)")
        parser.add_argument("--day", type=date.fromisoformat, help="local day of each site (default: the coming one)")
        parser.add_argument("--solver", default="milp")
        parser.add_argument("--gap", type=float, default=REQUEST_GAP, help="relative gap that is good enough")
        parser.add_argument("--time-limit", type=float, default=SECONDS_PER_SITE, help="seconds per site")
        parser.add_argument("--key", default="", help="the same key asks only once, such as the date of a nightly run")

    def run(self, options: dict[str, Any]) -> None:
        """Ask, and say what was asked."""
        organization = self.in_organization(options["organization"])
        with organization_scope(organization):
            try:
                run = request_portfolio_run(
                    organization=organization,
                    when=options["day"] or _coming_day(organization),
                    portfolio=_portfolio(options["portfolio"]),
                    solver=options["solver"],
                    gap=options["gap"],
                    time_limit=options["time_limit"],
                    idempotency_key=options["key"],
                )
            except (ProblemError, JobConflictError) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"Portfolio run {run.pk}, job {run.job.pk}: {run.job.title}")


def _coming_day(organization: Organization) -> date:
    return timezone.now().astimezone(ZoneInfo(organization.time_zone)).date() + timedelta(days=1)


def _portfolio(name: str) -> Portfolio | None:
    if not name:
        return None
    found = Portfolio.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"portfolio: there is no portfolio {name!r}.")
    return found
