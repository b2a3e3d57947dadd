"""Small sites that tests compute by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from optimization.engine import GridConnection, Horizon, Prices, SiteProblem
from optimization.engine.devices import Device

START = datetime(2026, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


def site(
    *devices: Device,
    hours: int = 4,
    step: timedelta = HOUR,
    buy: Sequence[float] | float = 0.3,
    sell: Sequence[float] | float = 0.1,
    gas: float = 0.1,
    fuel: float = 1.5,
    connection: GridConnection | None = None,
    **prices: float,
) -> SiteProblem:
    """Return a site over `hours` from midnight UTC, with hourly steps unless told otherwise."""
    return SiteProblem(
        horizon=Horizon(START, step, int(hours * HOUR / step)),
        devices=devices,
        prices=Prices(
            import_eur_per_kwh=buy, export_eur_per_kwh=sell, gas_eur_per_kwh=gas, fuel_eur_per_l=fuel, **prices
        ),
        connection=connection or GridConnection(),
    )


def at(hour: float) -> datetime:
    """Return the moment `hour` hours after the start."""
    return START + hour * HOUR
