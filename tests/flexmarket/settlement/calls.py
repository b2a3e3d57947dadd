"""Calls that are over, with what the meter showed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from assets.models import Site
from flexmarket.engine.market.states import OfferState
from flexmarket.models import MarketProduct, Order
from flexplatform.accounts.models import Organization
from telemetry.models import Channel, Rollup
from tests.factories import MarketProductFactory, market_offer, planned_site

QUARTER = timedelta(minutes=15)
# 12:00 of a working day in Berlin; the month is over in every test that travels to NOW.
CALL = datetime(2026, 10, 14, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_product(organization: Organization, **values: Any) -> MarketProduct:
    """Return a product that pays by the schedule and fines what is missing."""
    terms = {"penalty_per_kwh": Decimal("0.5"), "baseline_method": "schedule", **values}
    made: MarketProduct = MarketProductFactory(organization=organization, **terms)
    return made


def a_call(organization: Organization, product: MarketProduct, reference: str = "call", **values: Any) -> Order:
    """Return an activated order of 10 kW more for the grid over an hour at 0.2 EUR/kWh, promised against 12 kW."""
    run = values.pop("run", None) or planned_site(organization)[1]
    start = values.pop("start", CALL)
    offer = market_offer(organization, run=run, start=start, product=product, state=OfferState.ACTIVATED, **values)
    return Order.objects.create(
        organization=organization,
        offer=offer,
        reference=reference,
        power_kw=offer.power_kw,
        price_per_kwh=Decimal("0.2"),
        change_kw=np.asarray(offer.change_kw),
        state=Order.State.ACTIVATED,
        received_at=start - timedelta(hours=4),
        activated_at=start - timedelta(hours=4),
    )


def measured(site: Site | None, start: datetime, powers_kw: list[float | None]) -> Channel:
    """Let the site's meter have measured these quarter-hours, one value a minute; None is a gap."""
    assert site is not None
    key = {"organization": site.organization, "site": site, "asset": None, "quantity": "grid_power_kw"}
    channel = Channel.objects.filter(**key).first() or Channel(**key, resolution_seconds=60)
    channel.full_clean()
    channel.save()
    Rollup.objects.bulk_create(
        Rollup(
            channel=channel,
            start=start + index * QUARTER,
            count=15,
            total=15 * power,
            lowest=power,
            highest=power,
        )
        for index, power in enumerate(powers_kw)
        if power is not None
    )
    return channel
