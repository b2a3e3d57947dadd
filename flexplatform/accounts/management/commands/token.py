"""API tokens from the command line."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from flexplatform.accounts import services
from flexplatform.accounts.management.base import AccountCommand
from flexplatform.accounts.models import ApiToken
from flexplatform.accounts.scoping import organization_scope

LONGEST_DAYS = 36500


class Command(AccountCommand):
    """`token create`, `token list`, `token revoke`."""

    help = "Create, list and revoke the API tokens of an organization."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="create a token and print it, once")
        create.add_argument("organization", help="its name in addresses")
        create.add_argument("--user", metavar="EMAIL", required=True, help="the member who answers for the token")
        create.add_argument("--name", required=True, help="what the token is for")
        create.add_argument("--permission", action="append", default=[], help="such as sites.view; may be repeated")
        create.add_argument("--days", type=int, help="days until it expires (default: it does not)")
        create.add_argument("--network", action="append", default=[], help="such as 192.0.2.0/24; may be repeated")
        shown = verbs.add_parser("list", help="list the tokens, without their secrets")
        shown.add_argument("organization", help="its name in addresses")
        revoke = verbs.add_parser("revoke", help="revoke a token for good")
        revoke.add_argument("organization", help="its name in addresses")
        revoke.add_argument("key", help="as listed, such as flx_0123456789abcdef")

    def run(self, options: dict[str, Any]) -> None:
        """Do what the verb says inside the organization."""
        organization = self.in_organization(options["organization"])
        with organization_scope(organization):
            if options["verb"] == "create":
                _, text = services.create_token(
                    organization=organization,
                    created_by=self.user(options["user"]),
                    name=options["name"],
                    permissions=options["permission"],
                    expires_at=_in_days(options["days"]),
                    allowed_networks=options["network"],
                )
                self.stdout.write(text)
            elif options["verb"] == "list":
                self._list()
            else:
                self._revoke(options["key"])

    def _list(self) -> None:
        for token in ApiToken.objects.select_related("created_by"):
            used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
            line = (f"flx_{token.key}", token.state(), used, token.created_by.email, ",".join(token.permissions))
            self.stdout.write("  ".join((*line, token.name)))

    def _revoke(self, key: str) -> None:
        token = ApiToken.objects.select_related("organization").filter(key=key.removeprefix("flx_")).first()
        if token is None:
            raise CommandError(f"key: there is no token {key!r} in this organization.")
        services.revoke_token(token=token)
        self.stdout.write(f"Revoked: {token}")


def _in_days(days: int | None) -> Any:
    if days is None:
        return None
    if not 1 <= days <= LONGEST_DAYS:
        raise CommandError(f"days: {days} is out of range; allowed: 1 to {LONGEST_DAYS}.")
    return timezone.now() + timedelta(days=days)
