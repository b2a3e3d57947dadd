"""The platform's code in a process of its own, from a forecast to a closed statement: one JSON command per line."""

import json
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import django

django.setup()

import numpy as np  # noqa: E402
import time_machine  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django_scopes import scopes_disabled  # noqa: E402

from assets.models import Battery, ElectricLoad, Portfolio, Site, Tariff  # noqa: E402
from assets.services import assign_tariff  # noqa: E402
from flexmarket.models import Contract, Delivery, MarketOffer, MarketProduct, Order, Statement  # noqa: E402
from flexmarket.settlement.metering import meter_due  # noqa: E402
from flexmarket.settlement.statements import close_statement, draft_statements  # noqa: E402
from flexmarket.trading.offering import Wanted  # noqa: E402
from flexmarket.trading.ordering import place_order as order_service  # noqa: E402
from flexmarket.trading.tasks import request_offers  # noqa: E402
from flexplatform.accounts.audit import acting  # noqa: E402
from flexplatform.accounts.models import Door, Organization  # noqa: E402
from flexplatform.accounts.scoping import organization_scope  # noqa: E402
from flexplatform.jobs.models import Job  # noqa: E402
from forecasting.services import request_forecasts  # noqa: E402
from optimization.engine import Horizon  # noqa: E402
from optimization.models import ScheduleRun  # noqa: E402
from optimization.services import request_schedule  # noqa: E402
from telemetry.models import Channel, Setpoint  # noqa: E402
from telemetry.services import create_credential, switch_plans  # noqa: E402

STEP = timedelta(minutes=15)
STEPS = 12


def prepare() -> dict[str, Any]:
    """Make two organizations with a house each: a load, a battery, a tariff, a product, a contract, a credential."""
    call_command("migrate", verbosity=0, interactive=False)
    devices = {}
    for slug in "ab":
        organization = Organization.objects.create(name=slug, slug=slug)
        with organization_scope(organization), acting("tests", Door.COMMAND):
            portfolio = Portfolio.objects.create(organization=organization, name="p")
            site = Site.objects.create(
                organization=organization, portfolio=portfolio, name="Home", slug="home", latitude=48, longitude=11
            )
            Battery.objects.create(
                site=site, name="battery", capacity_kwh=10.0, charge_power_kw=4.0, discharge_power_kw=4.0
            )
            ElectricLoad.objects.create(site=site, name="load", annual_demand_kwh=4000, standard_profile="h0")
            price = {"energy_price_per_kwh": Decimal("0.3"), "valid_from": "2026-01-01", "form": "flat"}
            for commodity in ("import", "export"):
                tariff = Tariff.objects.create(organization=organization, name=commodity, commodity=commodity, **price)
                assign_tariff(site=site, tariff=tariff, valid_from=datetime(2026, 1, 1).date())
            MarketProduct.objects.create(
                organization=organization,
                name="quarter",
                gate_closure_minutes=1,
                minimum_power_kw=1,
                maximum_minutes=15,
                margin_per_kwh=Decimal("0.25"),
                penalty_per_kwh=Decimal("0.5"),
            )
            Contract.objects.create(
                organization=organization, name="home", site=site, owner_share=Decimal("0.7"), valid_from="2026-01-01"
            )
            switch_plans(organization=organization, enabled=True)
            credential, password = create_credential(site=site, name="gateway")
        devices[slug] = (credential.username, password)
    return devices


def forecast(organization: str) -> int:
    with _of(organization) as owner:
        return request_forecasts(organization=owner).pk


def schedule(organization: str) -> int:
    """Ask for a plan from the quarter-hour of now on."""
    with _of(organization) as owner:
        site = Site.objects.select_related("organization").get(organization=owner)
        now = datetime.now(UTC)
        start = now - timedelta(seconds=now.timestamp() % STEP.total_seconds())
        return request_schedule(site=site, horizon=Horizon(start, STEP, STEPS)).pk


def offer(organization: str) -> int:
    """Ask for offers of the battery on the market."""
    with _of(organization) as owner:
        run = ScheduleRun.objects.select_related("site", "organization").get(organization=owner)
        product = MarketProduct.objects.get(organization=owner)
        return request_offers(run=run, product=product, wanted=Wanted(subjects=["battery"]), submitted=True).pk


def order(organization: str, reference: str) -> dict[str, Any]:
    """Order the largest offer of the first quarter-hour whose gate is open, more power for the grid."""
    with _of(organization) as owner:
        soon = datetime.now(UTC) + timedelta(seconds=75)
        offers = MarketOffer.objects.filter(organization=owner, state="submitted", direction="positive")
        best = offers.filter(start__gte=soon).order_by("start", "-power_kw").first()
        assert best is not None, list(MarketOffer.objects.values_list("start", "state", "direction"))
        placed = order_service(
            organization=owner, offer=best.reference, reference=reference, request={"power_kw": float(best.power_kw)}
        )
        return {"job": placed.job_id, "start": best.start.timestamp(), "power_kw": float(best.power_kw)}


def job(number: int) -> dict[str, Any]:
    with scopes_disabled():
        found = Job.objects.get(pk=number)
    return {"status": found.status, "error": found.error, "attempts": found.attempts, "result": found.result}


def look(organization: str) -> dict[str, Any]:
    """Return the organization's orders, set-points, newest readings, and how often anything was made."""
    with _of(organization) as owner:
        orders = Order.objects.filter(organization=owner).select_related("offer")
        channels = Channel.objects.filter(organization=owner, last_at__isnull=False).select_related("asset")
        setpoints = Setpoint.objects.filter(organization=owner).order_by("pk")
        return {
            "orders": [
                [each.reference, each.state, each.offer.state, each.reason, np.asarray(each.offer.baseline_kw).tolist()]
                for each in orders
            ],
            "setpoints": list(setpoints.values_list("source", "state")),
            "called_kw": [each.steps.at(_start(orders)) for each in setpoints if orders][-1:],
            "newest": {channel.label: channel.last_value for channel in channels},
            "runs": ScheduleRun.objects.filter(organization=owner).count(),
            "forecasts": list(ScheduleRun.objects.values_list("input_sources", flat=True)[:1]),
        }


def settle(organization: str) -> dict[str, Any]:
    """Meter the calls once they are over, and close the statement once the month is."""
    with _of(organization) as owner:
        called = Order.objects.select_related("offer").get(organization=owner).offer
        with time_machine.travel(called.end + timedelta(minutes=20), tick=False):
            _, failed = meter_due(organization=owner)
        with time_machine.travel(called.end + timedelta(days=40), tick=False):
            (draft,) = draft_statements(organization=owner, month=called.start.astimezone(called.zone).date())
            closed: Statement = close_statement(statement=draft)
        delivery = Delivery.objects.get()
        called.refresh_from_db()
        return {
            "failed": [why for _, why in failed],
            "ordered_kwh": str(delivery.ordered_kwh),
            "delivered_kwh": str(delivery.delivered_kwh),
            "price": str(delivery.order.price_per_kwh),
            "payment": str(delivery.payment),
            "penalty": str(delivery.penalty),
            "amounts": [str(each) for each in (closed.amount, closed.owner_amount, closed.aggregator_amount)],
            "lines": [str(line.amount) for line in closed.lines.all()],
            "state": called.state,
        }


class _of:  # noqa: N801
    """The scope of an organization, in the name of the tests."""

    def __init__(self, slug: str) -> None:
        self.owner = Organization.objects.get(slug=slug)
        self.contexts = (organization_scope(self.owner), acting("tests", Door.COMMAND))

    def __enter__(self) -> Organization:
        for context in self.contexts:
            context.__enter__()
        return self.owner

    def __exit__(self, *error: Any) -> None:
        for context in reversed(self.contexts):
            context.__exit__(*error)


def _start(orders: Any) -> datetime:
    return orders[0].offer.start  # type: ignore[no-any-return]


COMMANDS = {function.__name__: function for function in (prepare, forecast, schedule, offer, order, job, look, settle)}

if __name__ == "__main__":
    for line in sys.stdin:
        name, arguments = json.loads(line)
        connection.close()
        sys.stdout.write(json.dumps(COMMANDS[name](**arguments)) + "\n")
        sys.stdout.flush()
