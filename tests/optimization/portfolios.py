"""Sites that can be planned at once, in a few steps of an hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from assets.models import Site
from flexplatform.accounts.models import Organization
from flexplatform.jobs.work import execute_next
from forecasting.services import Delivery, receive_forecasts
from optimization.engine import Horizon
from telemetry.services import Reference
from tests.factories import (
    BatteryFactory,
    ElectricLoadFactory,
    SiteFactory,
    SiteTariffFactory,
    TariffFactory,
    TariffPeriodFactory,
)

HORIZON = Horizon(datetime(2026, 11, 21, 23, tzinfo=UTC), timedelta(hours=1), 24)


def ready_sites(organization: Organization, count: int, **site: Any) -> list[Site]:
    """Return sites with a battery, a load with a forecast, and a tariff that makes the battery worth its while."""
    tariff = TariffFactory(organization=organization)
    TariffPeriodFactory(tariff=tariff, part="grid_fee")
    sites = [SiteFactory(organization=organization, **site) for _ in range(count)]
    for each in sites:
        BatteryFactory(site=each, final_soc_percent=0, initial_soc_percent=50)
        ElectricLoadFactory(site=each)
        SiteTariffFactory(site=each, tariff=tariff)
    forecast_demand(sites)
    return sites


def forecast_demand(sites: list[Site], demand_kw: float = 1.0, hours: float = 0) -> None:
    receive_forecasts(
        organization=sites[0].organization,
        deliveries=[
            Delivery(
                channel=Reference(site=site.pk, asset="load", quantity="demand_kw"),
                issued_at=datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=hours),
                start=HORIZON.start,
                step=HORIZON.step,
                values=np.full(HORIZON.count, demand_kw),
                source="test",
            )
            for site in sites
        ],
    )


def work_off(most: int = 1000) -> int:
    """Do what waits with one worker; return how many jobs that were."""
    for done in range(most):
        if execute_next("w", beat_every=0) is None:
            return done
    return most
