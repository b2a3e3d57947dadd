"""Many orders at once: `uv run python -m tests.benchmarks.concurrent_orders [--orders 200] [--workers 2]`.

One order for each of that many sites, placed from 16 threads, activated by worker processes on a real PostgreSQL and a
real Valkey: the rest of each day is planned with the call, and the site's battery is told.
"""

import argparse
import os
import platform as machine
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.portfolio import servers, start_workers

if TYPE_CHECKING:
    from flexmarket.models import MarketOffer

THREADS = 16
SECONDS = 3600.0


@dataclass(frozen=True)
class Measured:
    """What became of the orders: seconds until the last one was placed, and from each order to its set-point."""

    orders: int
    placing: float
    whole: float
    to_setpoint: list[float]
    failed: int
    lost: int
    twice: int


def main() -> None:
    """Make the sites and their offers, order all at once, and show what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        environment = servers(running, folder)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0, interactive=False)
        offers = make_offers(options.orders)
        start_workers(running, environment, folder, options.workers)
        measured = order_all(offers)
        connection.close()
    show(measured, options.workers)


def make_offers(count: int) -> "list[MarketOffer]":
    """Return the largest offer of each of this many planned sites with a battery, whose plans are sent to it."""
    from flexmarket.trading.lifecycle import submit
    from flexmarket.trading.offering import Wanted
    from flexmarket.trading.offering import make_offers as make
    from flexplatform.accounts.audit import acting
    from flexplatform.accounts.models import Door
    from flexplatform.accounts.scoping import organization_scope
    from telemetry.services import create_credential, switch_plans
    from tests.factories import MarketProductFactory, OrganizationFactory
    from tests.flexmarket.trading.sites import planned_battery_site

    organization = OrganizationFactory()
    found = []
    with organization_scope(organization), acting("benchmark", Door.COMMAND):
        product = MarketProductFactory(organization=organization, gate_closure_minutes=1, maximum_minutes=15)
        switch_plans(organization=organization, enabled=True)
        for number in range(count):
            run = planned_battery_site(organization)
            create_credential(site=run.site, name=f"gateway-{number}")
            made = submit(
                organization=organization, offers=make(run=run, product=product, wanted=Wanted(directions=["positive"]))
            )
            found.append(max(made, key=lambda offer: offer.power_kw))
    return found


def order_all(offers: "list[MarketOffer]") -> Measured:
    """Order every offer at once and wait until all are activated or have failed."""
    from flexmarket.models import Order
    from flexplatform.accounts.scoping import organization_scope

    organization = offers[0].organization
    with organization_scope(organization):
        started = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(place, offers))
        placing = time.perf_counter() - started
        while Order.objects.filter(state=Order.State.ACCEPTED).exists():
            if time.perf_counter() - started > SECONDS:
                sys.exit("Orders were lost: some were never activated.")
            time.sleep(0.1)
        return counted(len(offers), placing, time.perf_counter() - started)


def place(offer: "MarketOffer") -> None:
    """Order the whole of an offer, over a connection of the thread's own."""
    from django.db import connection

    from flexmarket.trading.ordering import place_order
    from flexplatform.accounts.audit import acting
    from flexplatform.accounts.models import Door
    from flexplatform.accounts.scoping import organization_scope

    try:
        with organization_scope(offer.organization), acting("benchmark", Door.COMMAND):
            request = {"power_kw": float(offer.power_kw)}
            place_order(organization=offer.organization, offer=offer.pk, reference=f"order-{offer.pk}", request=request)
    finally:
        connection.close()


def counted(orders: int, placing: float, whole: float) -> Measured:
    """Return how long each order took to its set-point, and whether any has none, or more than one."""
    from flexmarket.models import Order
    from telemetry.models import Setpoint

    activated = list(Order.objects.filter(state=Order.State.ACTIVATED).select_related("offer"))
    told: dict[int, list[float]] = {}
    received = {order.offer.site_id: order.received_at for order in activated}
    for site, at in Setpoint.objects.filter(source=Setpoint.Source.ACTIVATION).values_list("site_id", "issued_at"):
        told.setdefault(site, []).append((at - received[site]).total_seconds())
    return Measured(
        orders=orders,
        placing=placing,
        whole=whole,
        to_setpoint=sorted(seconds[0] for seconds in told.values()),
        failed=Order.objects.filter(state=Order.State.FAILED).count(),
        lost=len(activated) - len(told),
        twice=sum(len(seconds) > 1 for seconds in told.values()),
    )


def show(measured: Measured, workers: int) -> None:
    """Print one line for each figure."""
    from rich.console import Console

    seconds = measured.to_setpoint
    within = percentile(seconds)
    lines = (
        f"{workers} workers on {os.cpu_count()} cores, Python {machine.python_version()}, PostgreSQL",
        f"{measured.orders} orders at once, placed within {measured.placing:.1f} s by {THREADS} threads",
        f"{measured.orders / measured.whole:.1f} orders/s, the last set-point after {measured.whole:.1f} s",
        f"from order to set-points: median {statistics.median(seconds):.1f} s, 95 % within {within:.1f} s",
        f"failed {measured.failed}, lost {measured.lost}, sent twice {measured.twice}",
    )
    Console(width=140).print("\n".join(lines), highlight=False)
    if measured.failed or measured.lost or measured.twice:
        sys.exit("Not every order was activated once.")


def percentile(seconds: list[float], share: float = 0.95) -> float:
    """Return the value that this share of sorted values does not exceed."""
    return seconds[min(int(share * len(seconds)), len(seconds) - 1)]


if __name__ == "__main__":
    main()
