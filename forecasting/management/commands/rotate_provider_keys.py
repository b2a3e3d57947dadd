"""Encrypt the stored keys of providers with the newest of PROVIDER_KEY_SECRETS, so that older ones can be removed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from forecasting.services import rotate_provider_keys
from forecasting.services.provider_keys import KeyUnreadableError


class Command(BaseCommand):
    """To be run after a new secret was put in front of the list."""

    help = __doc__

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Encrypt them anew, and say how many there are."""
        try:
            count = rotate_provider_keys()
        except KeyUnreadableError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self.stdout.write(f"{count} keys are encrypted with the newest secret.")
