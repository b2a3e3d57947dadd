"""Organizations from the command line."""

from argparse import ArgumentParser
from typing import Any

from flexplatform.accounts import services
from flexplatform.accounts.management.base import AccountCommand


class Command(AccountCommand):
    """`organization create`."""

    help = "Create an organization, with its first owner if an existing user is named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        create = parser.add_subparsers(dest="verb", required=True).add_parser("create", help="create an organization")
        create.add_argument("slug", help="its name in addresses, such as stadtwerke")
        create.add_argument("--name", required=True)
        create.add_argument("--owner", metavar="EMAIL", help="an existing user")
        create.add_argument("--time-zone", default="Europe/Berlin", help="default: %(default)s")
        create.add_argument("--country", default="DE", help="ISO 3166 code (default: %(default)s)")

    def run(self, options: dict[str, Any]) -> None:
        """Create it."""
        organization = services.create_organization(
            name=options["name"],
            slug=options["slug"],
            time_zone=options["time_zone"],
            country=options["country"],
            owner=self.user(options["owner"]) if options["owner"] else None,
        )
        self.stdout.write(f"Created: {organization} at /o/{organization.slug}/")
