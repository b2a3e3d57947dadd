"""Deliveries and sites of tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from assets.models import Site
from flexplatform.accounts.models import Organization
from forecasting.services import Delivery
from telemetry.services import Reference
from tests.factories import ElectricLoadFactory, PhotovoltaicFactory, SiteFactory

START = datetime(2026, 11, 20, 23, tzinfo=UTC)
ISSUED = datetime(2026, 11, 20, 9, tzinfo=UTC)
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def house(organization: Organization, **values: Any) -> Site:
    """Return a site with a load and a photovoltaic plant."""
    site: Site = SiteFactory(organization=organization, **values)
    ElectricLoadFactory(site=site)
    PhotovoltaicFactory(site=site)
    return site


def delivery(site: Site, asset: Any = "load", quantity: str = "demand_kw", **changes: Any) -> Delivery:
    """Return a delivery of four quarter-hours of 1 kW."""
    values: dict[str, Any] = {
        "channel": Reference(site=site.pk, asset=asset, quantity=quantity),
        "issued_at": ISSUED,
        "start": START,
        "step": QUARTER,
        "values": np.ones(4),
        "source": "meteo",
    }
    return Delivery(**{**values, **changes})
