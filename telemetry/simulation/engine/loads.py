"""Loads of people: electricity and heat, and a process that can be moved."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from telemetry.simulation.engine.surroundings import HOUR_SECONDS, Device, Surroundings

STANDBY_KW = 0.2
# Hour of the peak, its width in hours, its height in kW.
PEAKS = ((7.5, 1.2, 0.5), (12.5, 1.0, 0.4), (19.5, 2.0, 0.9))
APPLIANCES_PER_HOUR, APPLIANCE_KW, APPLIANCE_MINUTES = 1.2, 1.8, 12
HEATED_BELOW_C, HEAT_KW_PER_DEGREE, HOT_WATER_KW = 17.0, 0.16, 1.5
USUAL_START = time(10)


@dataclass(kw_only=True)
class ElectricLoad(Device):
    """A household's demand, as often as `scale` says: the day's course, and kettles that come and go."""

    scale: float = 1.0
    appliance_seconds: float = field(default=0.0, init=False)

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power."""
        if around.random.random() < APPLIANCES_PER_HOUR * seconds / HOUR_SECONDS:
            self.appliance_seconds = APPLIANCE_MINUTES * 60 * around.random.uniform(0.3, 1.7)
        running = min(self.appliance_seconds / seconds, 1.0)
        self.appliance_seconds = max(self.appliance_seconds - seconds, 0.0)
        base = STANDBY_KW + _day(around.local, PEAKS)
        power = self.scale * (base * around.random.uniform(0.95, 1.05) + running * APPLIANCE_KW / math.sqrt(self.scale))
        return {"power_kw": power}


@dataclass(kw_only=True)
class HeatLoad(Device):
    """A house that loses heat to the cold, and people who shower."""

    ORDER = -1

    scale: float = 1.0

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its heat."""
        cold = max(HEATED_BELOW_C - around.weather.ambient_temperature_c, 0.0)
        water = HOT_WATER_KW * _day(around.local, ((7.0, 0.5, 1.0), (20.5, 0.8, 1.0)))
        return {"heat_kw": self.scale * (HEAT_KW_PER_DEGREE * cold + water)}


@dataclass(kw_only=True)
class ShiftableLoad(Device):
    """A process that runs once a day from its earliest start on, or as its set-point says."""

    profile_kw: Sequence[float]
    profile_step_minutes: float
    earliest_start: time | None

    def limits_kw(self) -> tuple[float, float]:
        """Return the powers that it takes a set-point of."""
        return 0.0, max(self.profile_kw)

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power."""
        if setpoint_kw is not None:
            return {"power_kw": max(setpoint_kw, 0.0)}
        begin = datetime.combine(around.local.date(), self.earliest_start or USUAL_START, around.local.tzinfo)
        index = math.floor((around.local - begin) / timedelta(minutes=self.profile_step_minutes))
        return {"power_kw": self.profile_kw[index] if 0 <= index < len(self.profile_kw) else 0.0}


def _day(local: datetime, peaks: Sequence[tuple[float, float, float]]) -> float:
    """Return the sum of peaks at a time of the day, in kW."""
    hour = local.hour + local.minute / 60
    return sum(height * math.exp(-(((hour - at) / width) ** 2) / 2) for at, width, height in peaks)
