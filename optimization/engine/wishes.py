"""Operational wishes: soft limits, how dear it is to miss them, and how a miss is reported.

A weight is a multiple of the site's dearest energy price, paid per kWh (for bands: per kWh and step) while solving
and never part of the reported cost. All are far above any saving, so a wish is only missed where physics leaves no
choice; their order decides which of two wishes that exclude each other yields.
"""

from collections.abc import Iterator
from enum import StrEnum

import numpy as np

from optimization.engine.horizon import Horizon
from optimization.engine.schedule import Unmet
from optimization.engine.series import Series

TOLERANCE_KWH = 1e-5


class Wish(StrEnum):
    """The wishes by the name that `unmet` shows."""

    IMPORT_LIMIT = "import limit"
    EXPORT_LIMIT = "export limit"
    HEAT_DEMAND = "heat demand"
    HEAT_SURPLUS = "heat that nothing can take"
    TRIP_ENERGY = "energy for the trip"
    DEPARTURE_SOC = "state of charge at departure"
    FINAL_SOC = "state of charge at the end"
    MIN_SOC = "lowest state of charge"
    MAX_SOC = "highest state of charge"


WEIGHTS: dict[Wish, float] = {
    Wish.IMPORT_LIMIT: 2000.0,
    Wish.EXPORT_LIMIT: 2000.0,
    Wish.HEAT_DEMAND: 1000.0,
    Wish.HEAT_SURPLUS: 1000.0,
    Wish.TRIP_ENERGY: 1000.0,
    Wish.DEPARTURE_SOC: 500.0,
    Wish.FINAL_SOC: 500.0,
    Wish.MIN_SOC: 100.0,
    Wish.MAX_SOC: 100.0,
}


def missed(device: str, wish: Wish, horizon: Horizon, amounts: Series, unit: str = "kWh") -> Iterator[Unmet]:
    """Yield one record for each step in which `amounts` (one per step, 0 = held) is more than the tolerance."""
    for step in np.flatnonzero(amounts > TOLERANCE_KWH):
        start = horizon.start + int(step) * horizon.step
        yield Unmet(device=device, wish=str(wish), start=start, amount=float(amounts[step]), unit=unit)
