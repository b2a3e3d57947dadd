"""What the commands of accounts share: the actor, lookups, and errors in one line."""

import getpass
from abc import abstractmethod
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from flexplatform.accounts import audit
from flexplatform.accounts.models import Door, Organization, User


class AccountCommand(BaseCommand):
    """A command that calls services as the account of the machine that runs it."""

    @abstractmethod
    def run(self, options: dict[str, Any]) -> None:
        """Do what the options ask for."""

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run; what a service refuses is one line that names the field."""
        try:
            with audit.acting(operator(), Door.COMMAND):
                self.run(options)
        except ValidationError as error:
            raise CommandError(" ".join(_lines(error))) from error

    def in_organization(self, slug: str) -> Organization:
        """Return the organization of this name in addresses.

        Raises:
            CommandError: when there is none.
        """
        found = Organization.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f"organization: there is no organization {slug!r}.")
        return found

    def user(self, email: str) -> User:
        """Return the user of this address.

        Raises:
            CommandError: when there is none.
        """
        found = User.objects.filter(email__iexact=email.strip()).first()
        if found is None:
            raise CommandError(f"user: there is no user {email!r}.")
        return found


def operator() -> str:
    """Return the account of the machine that runs the command, as an audit event names it."""
    try:
        return f"{getpass.getuser()} on the command line"
    except (OSError, KeyError):
        return "command line"


def _lines(error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return error.messages
    return [
        text if name == "__all__" else f"{name}: {text}"
        for name, errors in error.message_dict.items()
        for text in errors
    ]
