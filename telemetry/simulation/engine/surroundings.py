"""What the devices of a site share while they are simulated: time, weather, electricity, heat."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

HOUR_SECONDS = 3600.0
AXIAL_TILT_DEGREES = 23.45
CLOUD_HOURS, WIND_HOURS = 0.15, 1.5
MEAN_CLEARNESS, CLEARNESS_SPREAD = 0.65, 0.3
MEAN_WIND_M_PER_S, WIND_SPREAD = 6.5, 3.0


@dataclass
class Weather:
    """Sun by place and season, clouds and wind that drift at random, air by season and hour."""

    latitude: float
    longitude: float
    random: Random
    clearness: float = MEAN_CLEARNESS
    wind_speed_m_per_s: float = MEAN_WIND_M_PER_S
    irradiance_w_per_m2: float = 0.0
    ambient_temperature_c: float = 10.0

    def step(self, now: datetime, seconds: float) -> None:
        """Go on by some seconds to `now`."""
        hours = seconds / HOUR_SECONDS
        self.clearness = self._drift(self.clearness, MEAN_CLEARNESS, CLEARNESS_SPREAD, hours / CLOUD_HOURS)
        self.clearness = min(max(self.clearness, 0.1), 1.0)
        wind = self._drift(self.wind_speed_m_per_s, MEAN_WIND_M_PER_S, WIND_SPREAD, hours / WIND_HOURS)
        self.wind_speed_m_per_s = max(wind, 0.0)
        self.irradiance_w_per_m2 = 1000 * max(self.sun_height(now), 0.0) * self.clearness
        self.ambient_temperature_c = self._temperature(now)

    def sun_height(self, now: datetime) -> float:
        """Return the sine of the sun's elevation."""
        moment = now.astimezone(UTC)
        day = moment.timetuple().tm_yday
        tilt = math.radians(AXIAL_TILT_DEGREES) * math.sin(2 * math.pi * (284 + day) / 365)
        hours = moment.hour + moment.minute / 60 + moment.second / 3600 + self.longitude / 15
        angle, latitude = math.radians(15 * (hours - 12)), math.radians(self.latitude)
        return math.sin(latitude) * math.sin(tilt) + math.cos(latitude) * math.cos(tilt) * math.cos(angle)

    def _temperature(self, now: datetime) -> float:
        day, hour = now.timetuple().tm_yday, now.hour + now.minute / 60
        north = 1 if self.latitude >= 0 else -1
        return 10 - north * 9 * math.cos(2 * math.pi * (day - 15) / 365) - 3 * math.cos(2 * math.pi * (hour - 3) / 24)

    def _drift(self, value: float, mean: float, spread: float, times: float) -> float:
        """Return where a value that is drawn to its mean is after so many of its own times."""
        kept = math.exp(-times)
        return mean + (value - mean) * kept + spread * math.sqrt(1 - kept * kept) * self.random.gauss(0, 1)


@dataclass
class Surroundings:
    """What a device finds: `residual_kw` is what the devices before it take together, `heat_soc` the store's content.

    `heat_soc` is 0 to 1, None without a store; `heat_wanted_kw` is what the devices before it left cold.
    """

    local: datetime
    weather: Weather
    random: Random
    residual_kw: float = 0.0
    heat_wanted_kw: float = 0.0
    heat_soc: float | None = None

    def thermostat(self, was_on: bool, low: float, high: float) -> bool:
        """Return whether a producer of heat runs by itself: below `low` on, above `high` off, between as it was."""
        if self.heat_soc is None:
            return self.heat_wanted_kw > 0
        return self.heat_soc < low or (was_on and self.heat_soc < high)


class Device:
    """A simulated device: `step` returns what it measures, by quantity, and obeys a set-point within its limits.

    Power and heat are positive for consumption. Devices of a lower `ORDER` go first. The fields of a kind are those of
    its table.
    """

    ORDER = 0

    def limits_kw(self) -> tuple[float, float] | None:
        """Return the powers that it takes a set-point of; None where it takes none."""
        return None

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Go on by some seconds and return the mean of what is measured in them."""
        raise NotImplementedError


def within(value: float, low: float, high: float) -> float:
    """Return the value, or the limit that it exceeds."""
    return min(max(value, low), high)
