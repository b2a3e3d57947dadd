"""Platform staff from the command line, as Django makes them, with a record of it."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.db import transaction

from flexplatform.accounts import audit
from flexplatform.accounts.management.base import operator
from flexplatform.accounts.models import Door, User


class Command(createsuperuser.Command):
    """Django's command; whoever it makes is recorded."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the user, then record it: not in one transaction, as the command waits for a person to type."""
        before = set(User.objects.values_list("pk", flat=True))
        super().handle(*args, **options)
        with transaction.atomic(), audit.acting(operator(), Door.COMMAND):
            for user in User.objects.filter(is_superuser=True).exclude(pk__in=before):
                audit.record_of_person(person=user, action="user.create", after=audit.snapshot(user))
