"""Members from the command line."""

from argparse import ArgumentParser
from typing import Any

from flexplatform.accounts import services
from flexplatform.accounts.management.base import AccountCommand
from flexplatform.accounts.permissions import Role


class Command(AccountCommand):
    """`member add`."""

    help = "Make an existing user a member of an organization."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        add = parser.add_subparsers(dest="verb", required=True).add_parser("add", help="add a member")
        add.add_argument("organization", help="its name in addresses")
        add.add_argument("email", help="of an existing user")
        add.add_argument("--role", default=Role.VIEWER, help=f"{', '.join(Role.values)} (default: %(default)s)")

    def run(self, options: dict[str, Any]) -> None:
        """Add the member."""
        organization = self.in_organization(options["organization"])
        membership = services.add_member(
            organization=organization, user=self.user(options["email"]), role=options["role"]
        )
        self.stdout.write(f"Added: {membership}")
