"""The bridge from the MQTT broker into the database."""

import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from telemetry.engine.topics import EVERY_MAPPED, EVERY_READING
from telemetry.mqtt.address import BrokerAddress
from telemetry.mqtt.bridge import Bridge, BridgeOptions
from telemetry.mqtt.link import LinkOptions
from telemetry.mqtt.lock import bridge_lock
from telemetry.services.access import BRIDGE_USER, AccessFiles


class Command(BaseCommand):
    """Stores what devices publish until it is stopped; a second one stands by and takes over."""

    help = "Store what devices publish over MQTT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--broker", default=settings.MQTT_URL, help="mqtt://user:password@host:port")
        parser.add_argument(
            "--filter", action="append", help=f"topics to subscribe to (default: {EVERY_READING} and {EVERY_MAPPED})"
        )
        parser.add_argument("--client-id", default=BRIDGE_USER, help="with other filters an id of its own is needed")
        parser.add_argument("--batch", type=int, default=2000, help="most messages in a transaction")
        parser.add_argument("--flush-ms", type=int, default=200, help="longest wait for more messages")
        parser.add_argument(
            "--access-folder", type=Path, help="keep mosquitto's password and ACL files here up to date"
        )
        parser.add_argument("--broker-pid-file", type=Path, help="tell this mosquitto when the files changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT, then store what is queued and leave."""
        if not options["broker"]:
            raise CommandError("There is no broker: set MQTT_URL, or give --broker mqtt://user:password@host:port.")
        try:
            address = BrokerAddress.of(options["broker"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        files = None
        if options["access_folder"]:
            files = AccessFiles(options["access_folder"], address.password, options["broker_pid_file"])
        bridge = Bridge(
            address,
            LinkOptions(filters=options["filter"] or [EVERY_READING, EVERY_MAPPED], client_id=options["client_id"]),
            BridgeOptions(batch=options["batch"], flush_seconds=options["flush_ms"] / 1000),
            bridge_lock(),
            files.update if files else lambda: False,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: bridge.stopping.set())
        bridge.run()
