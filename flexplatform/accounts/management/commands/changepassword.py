"""Passwords from the command line, as Django sets them, with a record of it."""

from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.db import transaction

from flexplatform.accounts import audit
from flexplatform.accounts.management.base import operator
from flexplatform.accounts.models import Door, User


class Command(changepassword.Command):
    """Django's command; a password that was set is recorded where the owners concerned see it."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Set the password, then record it: not in one transaction, as the command waits for a person to type."""
        done = super().handle(*args, **options)
        with transaction.atomic(), audit.acting(operator(), Door.COMMAND):
            user = User.objects.get_by_natural_key(options["username"])
            audit.record_of_person(person=user, action="user.password")
        return done
