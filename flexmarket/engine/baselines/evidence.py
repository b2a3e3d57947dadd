"""What a baseline can be made of, and what every method brings."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimization.engine.series import Series

Days = npt.NDArray[np.float64]


class BaselineError(ValueError):
    """A baseline that cannot be made: says what is missing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """One local day with its steps, kW, positive for consumption; NaN where nothing is known.

    `days_kw` are the days before, newest first, at the same times of the local clock: shape (days, steps).
    `day_is_working` says of each whether it is a working day, `day_is_usable` whether nothing was called on it.
    `first` and `count` are the called steps of the day.
    """

    today_kw: Series
    days_kw: Days
    day_is_working: npt.NDArray[np.bool_]
    day_is_usable: npt.NDArray[np.bool_]
    is_working: bool
    first: int
    count: int
    step_hours: float
    plan_kw: Series | None = None
    forecast_kw: Series | None = None

    @property
    def called(self) -> slice:
        """The called steps."""
        return slice(self.first, self.first + self.count)

    def steps(self, hours: float) -> int:
        """Return a length of time as a number of steps."""
        return round(hours / self.step_hours)

    def alike(self, most: int, *, working: bool) -> Days:
        """Return the newest usable days of the same type that were measured throughout the called steps."""
        measured = ~np.isnan(self.days_kw[:, self.called]).any(axis=1)
        chosen = self.day_is_usable & measured & (self.day_is_working == working)
        found: Days = self.days_kw[chosen][:most]
        return found


@dataclass(frozen=True)
class BaselineMethod:
    """A method: its name, where it comes from, and what it makes of the evidence (kW over the called steps).

    `baseline` raises `BaselineError` where the evidence is not enough.
    """

    name: str
    source: str
    baseline: Callable[[Evidence], Series]
