"""Operational wishes: soft limits, in which order they yield, and how a miss is reported.

A wish is missed only where physics leaves no choice. Where wishes exclude each other, those of a later rank yield,
whatever that costs; within a rank the sum of all missed energy is least (for bands: summed over the steps, so that a
content outside its band returns as fast as it can).
"""

from collections.abc import Iterable, Iterator
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


RANKS: tuple[frozenset[Wish], ...] = (
    frozenset({Wish.IMPORT_LIMIT, Wish.EXPORT_LIMIT}),
    frozenset({Wish.HEAT_DEMAND, Wish.HEAT_SURPLUS, Wish.TRIP_ENERGY}),
    frozenset({Wish.DEPARTURE_SOC, Wish.FINAL_SOC}),
    frozenset({Wish.MIN_SOC, Wish.MAX_SOC}),
)


def missed(device: str, wish: Wish, horizon: Horizon, amounts: Series, unit: str = "kWh") -> Iterator[Unmet]:
    """Yield one record for each step in which `amounts` (one per step, 0 = held) is more than the tolerance."""
    for step in np.flatnonzero(amounts > TOLERANCE_KWH):
        start = horizon.start + int(step) * horizon.step
        yield Unmet(device=device, wish=str(wish), start=start, amount=float(amounts[step]), unit=unit)


def missed_by_rank(unmet: Iterable[Unmet]) -> tuple[float, ...]:
    """Return the energy missed in each rank of `RANKS`, kWh."""
    records = list(unmet)
    return tuple(sum(record.amount for record in records if record.wish in rank) for rank in RANKS)
