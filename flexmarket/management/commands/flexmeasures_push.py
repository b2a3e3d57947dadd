"""Push the sites of an organization to its FlexMeasures server, or say what a push would post."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from assets.models import Site
from flexmarket.flexmeasures.pushing import unposted
from flexmarket.flexmeasures.services import request_push, server_of
from flexplatform.accounts.management.base import AccountCommand
from flexplatform.accounts.models import Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.errors import JobConflictError


class Command(AccountCommand):
    """A worker pushes; the command only asks and prints the id of the job."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add whose sites, which of them, and whether to do it."""
        parser.add_argument("--organization", required=True, help="its name in addresses")
        parser.add_argument("--site", default="", help="its name in addresses; without it all sites")
        parser.add_argument("--dry-run", action="store_true", help="print what would be posted; ask nobody")
        parser.add_argument("--key", default="", help="the same key asks only once")

    def run(self, options: dict[str, Any]) -> None:
        """Ask, or count what would be posted."""
        organization = self.in_organization(options["organization"])
        with organization_scope(organization):
            site = self._site(organization, options["site"])
            if options["dry_run"]:
                self._count(organization, site)
                return
            try:
                job = request_push(organization=organization, site=site, idempotency_key=options["key"])
            except JobConflictError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"Job {job.pk}: {job.title}")

    def _site(self, organization: Organization, slug: str) -> Site | None:
        if not slug:
            return None
        found = Site.objects.filter(organization=organization, slug=slug).first()
        if found is None:
            raise CommandError(f"site: there is no site {slug!r} in {organization.slug}.")
        return found

    def _count(self, organization: Organization, site: Site | None) -> None:
        server = server_of(organization)
        sites = [site] if site else Site.objects.filter(organization=organization).order_by("name")
        total = 0
        for each in sites:
            counts = {name: count for name, count in unposted(each).items() if count}
            total += sum(counts.values())
            for name, count in counts.items():
                self.stdout.write(f"{each.slug}: {name}: {count} values")
        self.stdout.write(f"{total} values would be posted to {server.url}.")
