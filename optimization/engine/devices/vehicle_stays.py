"""Stays of a vehicle at its charger: in time, and as steps of a horizon."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A stay at the charger, from `arrival` to `departure` (aware times).

    The content on arrival is `arrival_soc_percent`, or else what the previous stay left minus `trip_energy_kwh`.
    `departure_soc_percent` is a wish; None asks for nothing.
    """

    arrival: datetime
    departure: datetime
    arrival_soc_percent: float | None = None
    departure_soc_percent: float | None = None
    trip_energy_kwh: float | None = None


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stay in steps: connected from step `first` to before step `end`.

    At departure it wants to hold `wanted_kwh`; the trip after it is known to take `trip_kwh` (0: not known).
    """

    stay: Stay
    first: int
    end: int
    wanted_kwh: float
    trip_kwh: float
