"""Ask for the weather of all sites of an organization, as the clock does every night."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from flexplatform.accounts.management.base import AccountCommand
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.errors import JobConflictError
from forecasting.services import request_weather


class Command(AccountCommand):
    """A worker fetches; the command only asks and prints the id of the job."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add whose sites."""
        parser.add_argument("--organization", required=True, help="its name in addresses")
        parser.add_argument("--key", default="", help="the same key asks only once, such as the date of a nightly run")

    def run(self, options: dict[str, Any]) -> None:
        """Ask, and say what was asked."""
        organization = self.in_organization(options["organization"])
        with organization_scope(organization):
            try:
                job = request_weather(organization=organization, idempotency_key=options["key"])
            except JobConflictError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"Job {job.pk}: {job.title}")
