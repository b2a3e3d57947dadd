"""Ask for the forecasts of an organization's channels, as the clock does every night."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from flexplatform.accounts.management.base import AccountCommand
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.errors import JobConflictError
from forecasting.services import request_forecasts, request_model_choice, request_scores


class Command(AccountCommand):
    """A worker forecasts; the command only asks and prints the id of the job."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add whose channels, which, and as known when."""
        parser.add_argument("--organization", required=True, help="its name in addresses")
        parser.add_argument(
            "--channels", type=int, nargs="+", help="ids of channels (default: all that are switched on)"
        )
        parser.add_argument(
            "--at", type=datetime.fromisoformat, help="as known at this time, such as 2026-11-20T09:00Z (default: now)"
        )
        parser.add_argument("--choose", action="store_true", help="back-test the models instead, as every week")
        parser.add_argument("--score", action="store_true", help="score what is over instead, as every day")
        parser.add_argument("--key", default="", help="the same key asks only once, such as the date of a nightly run")

    def run(self, options: dict[str, Any]) -> None:
        """Ask, and say what was asked."""
        organization = self.in_organization(options["organization"])
        if options["at"] is not None and options["at"].tzinfo is None:
            raise CommandError(f"at is {options['at']}; allowed: a time with its zone, such as 2026-11-20T09:00Z.")
        asked = {"organization": organization, "idempotency_key": options["key"]}
        with organization_scope(organization):
            try:
                if options["choose"]:
                    job = request_model_choice(**asked)
                elif options["score"]:
                    job = request_scores(**asked)
                else:
                    job = request_forecasts(channels=options["channels"], at=options["at"], **asked)
            except JobConflictError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"Job {job.pk}: {job.title}")
