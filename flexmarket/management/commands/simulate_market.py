"""A simulated buyer: for the demo."""

import signal
import threading
import time
from argparse import ArgumentParser
from random import Random
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from flexmarket.engine.market.refusals import OrderRefused
from flexmarket.models import MarketProduct
from flexmarket.trading.simulated_buyer import buy_next, offer_today
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope

ACTOR = "simulated buyer"


class Command(BaseCommand):
    """Puts offers of some sites on the market and orders one of them again and again."""

    help = "Simulate a buyer who orders offers of an organization; plans of the day are offered first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--organization", action="append", help="whose offers, once for each (default: demo)")
        parser.add_argument("--every", type=float, default=300.0, help="seconds between looks (default: %(default)s)")
        parser.add_argument("--seconds", type=float, help="end after so many")
        parser.add_argument("--seed", type=int, default=None, help="the same seed makes the same choices")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        for name in ("every", "seconds"):
            if options[name] is not None and not options[name] > 0:
                raise CommandError(f"--{name} is {options[name]}; allowed: more than 0.")
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        random = Random(options["seed"])  # noqa: S311
        began, ordered = time.monotonic(), 0
        while not stopping.is_set():
            for slug in options["organization"] or ["demo"]:
                ordered += self._turn(slug, random)
            close_old_connections()
            left = options["every"] if options["seconds"] is None else options["seconds"] - time.monotonic() + began
            if left <= 0 or stopping.wait(min(left, options["every"])):
                break
        self.stdout.write(f"{ordered} offers ordered.")

    def _turn(self, slug: str, random: Random) -> int:
        organization = Organization.objects.filter(slug=slug).first()
        if organization is None:
            # The demo is just being made.
            return 0
        with organization_scope(organization), acting(ACTOR, Door.COMMAND):
            product = MarketProduct.objects.filter(organization=organization, is_active=True).first()
            if product is None:
                return 0
            offer_today(organization=organization, product=product)
            try:
                order = buy_next(organization=organization, random=random)
            except OrderRefused as error:
                self.stderr.write(str(error))
                return 0
        if order is not None:
            self.stdout.write(f"{slug}: {order.reference} orders {order.power_kw} kW of {order.offer}.")
        return int(order is not None)
