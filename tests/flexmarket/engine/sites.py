"""Small sites with a plan made by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from optimization.engine.devices import Device
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Prices, SiteProblem
from optimization.engine.schedule import Cost, Schedule
from optimization.engine.series import SeriesLike

START = datetime(2026, 1, 12, tzinfo=UTC)


def horizon(count: int, minutes: int = 60) -> Horizon:
    """Return `count` steps from midnight UTC."""
    return Horizon(START, timedelta(minutes=minutes), count)


def planned(
    span: Horizon,
    plans: Mapping[Device, Mapping[str, SeriesLike]],
    *,
    grid_kw: SeriesLike = 0.0,
    import_price: SeriesLike = 0.3,
    export_price: SeriesLike = 0.1,
) -> tuple[SiteProblem, Schedule]:
    """Return a site of these devices and the schedule that plans these series for them."""
    problem = SiteProblem(
        horizon=span,
        devices=tuple(plans),
        prices=Prices(import_eur_per_kwh=import_price, export_eur_per_kwh=export_price),
    )
    series = {
        device.name: {name: np.broadcast_to(np.asarray(values, float), span.count) for name, values in plan.items()}
        for device, plan in plans.items()
    }
    schedule = Schedule(
        horizon=span,
        grid_power_kw=np.broadcast_to(np.asarray(grid_kw, float), span.count),
        heat_surplus_kw=np.zeros(span.count),
        devices=series,
        cost=Cost(),
        objective_eur=0.0,
        solver="hand",
        status="optimal",
        bound_eur=0.0,
        gap=0.0,
    )
    return problem, schedule
