"""A planned site with a battery and a load whose day begins in an hour, so that its gates are open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from assets.models import Portfolio, Site
from flexplatform.accounts.models import Organization
from optimization.engine import Horizon, Prices
from optimization.models import ScheduleRun
from optimization.problems import SiteInputs
from optimization.services import schedule_site
from tests.factories import BatteryFactory, ElectricLoadFactory, SiteFactory

STEP = timedelta(minutes=15)
COUNT = 12


def planned_battery_site(
    organization: Organization, *, hours_ahead: float = 1, portfolio: Portfolio | None = None, **battery: Any
) -> ScheduleRun:
    """Return the plan of a site with a battery of 10 kWh and 5 kW, dear in its last hour."""
    own = {"portfolio": portfolio} if portfolio else {}
    site: Site = SiteFactory(organization=organization, **own)
    values = {"capacity_kwh": 10, "charge_power_kw": 5, "discharge_power_kw": 5, **battery}
    BatteryFactory(site=site, **values)
    ElectricLoadFactory(site=site)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    prices = Prices(import_eur_per_kwh=np.repeat([0.1, 0.2, 0.4], 4), export_eur_per_kwh=0.05)
    series = SiteInputs(prices=prices, devices={"load": {"demand_kw": np.full(COUNT, 2.0)}})
    horizon = Horizon(now + timedelta(hours=1 + hours_ahead), STEP, COUNT)
    return schedule_site(site=site, horizon=horizon, series=series, gap=1e-6)
