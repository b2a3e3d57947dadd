"""Simulated devices: for the demo, and as a load generator."""

import math
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django_scopes import scopes_disabled

from assets.models import Asset, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.env import VAR_DIR
from telemetry.mqtt.address import BrokerAddress
from telemetry.simulation.fleet import Member, fleet_of, make_channels, sites_to_load
from telemetry.simulation.passwords import Owner, passwords_of
from telemetry.simulation.simulation import Pace, Simulation

ACTOR = "simulated devices"
SECONDS_BETWEEN_LOOKS = 10.0

Sites = dict[Organization, list[Site]]
KEPT = VAR_DIR / "simulation" / "passwords.json"


class Command(BaseCommand):
    """Lets every device of an organization, or of sites made for it, publish what its physics says."""

    help = "Simulate devices that publish over MQTT and obey set-points; with --sites and --rate, generate load."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--broker", default=settings.MQTT_URL, help="mqtt://user:password@host:port")
        parser.add_argument("--organization", action="append", help="whose sites, once for each (default: demo)")
        parser.add_argument("--sites", type=int, help="so many sites made for it, in an organization of their own")
        parser.add_argument("--rate", type=float, help="readings a second of all sites together")
        parser.add_argument("--every", type=float, default=5.0, help="seconds between readings (default: %(default)s)")
        parser.add_argument("--speed", type=float, default=1.0, help="how fast the simulated time passes")
        parser.add_argument("--seconds", type=float, help="end after so many")
        parser.add_argument("--login", help="user of all devices, with the broker's password: for a broker without own")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT; then every device says that it is offline."""
        address = _address(options["broker"])
        for name in ("sites", "rate", "every", "speed", "seconds"):
            if options[name] is not None and not options[name] > 0:
                raise CommandError(f"--{name} is {options[name]}; allowed: more than 0.")
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        published, until = 0, time.monotonic() + (options["seconds"] or math.inf)
        while not stopping.is_set() and time.monotonic() < until:
            sites = _sites(options["organization"] or ["demo"], options["sites"])
            if not sites:
                # The demo is just being made.
                stopping.wait(SECONDS_BETWEEN_LOOKS)
                continue
            simulation = _simulation(sites, address, options, stopping)
            known = _count(sites)
            while not stopping.is_set() and time.monotonic() < until and _count(sites) == known:
                simulation.run(min(SECONDS_BETWEEN_LOOKS, until - time.monotonic()))
            simulation.leave()
            published += simulation.readings
        self.stdout.write(f"{published} readings published.")


def _simulation(
    sites: Sites, address: BrokerAddress, options: Mapping[str, Any], stopping: threading.Event
) -> Simulation:
    """Return the sites with all their devices, credentials and channels."""
    members: list[Member] = []
    logins: dict[str, tuple[str, str]] = {}
    readings = 0
    for organization, own in sites.items():
        with organization_scope(organization), acting(ACTOR, Door.COMMAND):
            fleet = fleet_of(own)
            owners: list[Owner] = [(site, None) for site in own]
            if options["sites"] is None:
                owners += [(member.site, asset) for member in fleet for asset in member.assets]
            logins |= passwords_of(organization, owners, KEPT)
            readings += make_channels(organization, fleet, options["every"])
        members += fleet
    if options["login"]:
        logins = dict.fromkeys(logins, (options["login"], address.password))
    every = readings / options["rate"] if options["rate"] else options["every"]
    pace = Pace(every, options["speed"])
    return Simulation(address, members, logins, pace, stopping, shared=bool(options["login"]))


def _count(sites: Sites) -> int:
    """Return how many devices the organizations have: more, or fewer, and the simulation begins anew."""
    with scopes_disabled():
        return Asset.objects.filter(site__organization__in=list(sites)).count()


def _address(url: str) -> BrokerAddress:
    if not url:
        raise CommandError("There is no broker: set MQTT_URL, or give --broker mqtt://user:password@host:port.")
    try:
        return BrokerAddress.of(url)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _sites(slugs: list[str], count: int | None) -> Sites:
    """Return which sites of which organizations are simulated, as far as they are there."""
    with scopes_disabled(), acting(ACTOR, Door.COMMAND):
        if count is not None:
            return dict([sites_to_load(count)])
        found: Sites = {}
        rows = Site.objects.filter(organization__slug__in=slugs).select_related("organization").order_by("pk")
        for site in rows:
            found.setdefault(site.organization, []).append(site)
        return found
