"""The weather of the demo's days: the sample day, but each day a little different, and always the same for a day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from optimization.engine.series import Series, SeriesLike

LEAST_SUN, LEAST_DEMAND, MOST_WARMER_C = 0.45, 0.85, 4.0


@dataclass(frozen=True)
class Weather:
    """How a day differs from the sample: shares of its yield and demand, and degrees that it is warmer.

    Never more yield, more demand or colder than the sample, so that what the sample's devices can do suffices.
    """

    yield_share: float
    demand_share: float
    warmer_c: float

    @classmethod
    def of(cls, day: date) -> "Weather":
        """Return the weather of a day."""
        dark, quiet, warm = np.random.default_rng(day.toordinal()).random(3)
        return cls(1 - (1 - LEAST_SUN) * dark, 1 - (1 - LEAST_DEMAND) * quiet, MOST_WARMER_C * warm)

    def on(self, name: str, sample: SeriesLike) -> Series:
        """Return a series of the sample day, by its name in the engine, as it is in this weather."""
        return CHANGES[name](self, np.asarray(sample, dtype=float))


CHANGES: Mapping[str, Callable[[Weather, Series], Series]] = {
    "yield_kw_per_kw": lambda weather, sample: sample * weather.yield_share,
    "demand_kw": lambda weather, sample: sample * weather.demand_share,
    "ambient_temperature_c": lambda weather, sample: sample + weather.warmer_c,
}
