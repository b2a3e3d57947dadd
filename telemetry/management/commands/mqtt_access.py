"""Write mosquitto's password and ACL files from the credentials of all organizations."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from telemetry.mqtt.address import BrokerAddress
from telemetry.services.access import AccessFiles


class Command(BaseCommand):
    """Writes both files; the bridge keeps them up to date where it is told their folder."""

    help = "Write mosquitto's password and ACL files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--pid-file", type=Path, help="tell this mosquitto when the files changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files, with the bridge's own password from MQTT_URL."""
        try:
            address = BrokerAddress.of(settings.MQTT_URL)
        except ValueError as error:
            raise CommandError(f"MQTT_URL must name the broker and the bridge's password. {error}") from error
        changed = AccessFiles(options["folder"], address.password, options["pid_file"]).update()
        self.stdout.write("Written." if changed else "Nothing changed.")
