"""The time grid of a schedule: equal steps in UTC, market days included."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from optimization.engine.errors import ProblemError

HOUR = timedelta(hours=1)
QUARTER_HOUR = timedelta(minutes=15)


@dataclass(frozen=True)
class Grid:
    """What a model needs to know of time: how many steps, and their length in hours."""

    count: int
    hours: float

    @property
    def steps(self) -> range:
        """Number of each step."""
        return range(self.count)


@dataclass(frozen=True)
class Horizon:
    """`count` steps of equal length from `start`; a value belongs to the step that starts at its timestamp.

    Raises:
        ProblemError: for a naive start, a step that does not divide the hour, or no step at all.
    """

    start: datetime
    step: timedelta
    count: int

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ProblemError("horizon.start", self.start.isoformat(), "a time with a time zone")
        if self.step <= timedelta(0) or HOUR % self.step:
            raise ProblemError("horizon.step", self.step, "a length that divides the hour, such as 15 minutes")
        if not isinstance(self.count, int) or self.count < 1:
            raise ProblemError("horizon.count", self.count, "a whole number of steps, at least 1")
        object.__setattr__(self, "start", self.start.astimezone(UTC))

    @classmethod
    def market_day(cls, day: date, zone: ZoneInfo, step: timedelta = QUARTER_HOUR) -> "Horizon":
        """Return the local day as a horizon: 92, 96 or 100 quarter-hours, depending on the clock change."""
        midnight = datetime.combine(day, time(), zone).astimezone(UTC)
        next_midnight = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        return cls(midnight, step, (next_midnight - midnight) // step)

    @property
    def step_hours(self) -> float:
        """Length of a step in hours, the factor from kW to kWh."""
        return self.step / HOUR

    @property
    def grid(self) -> Grid:
        """The steps without their place in time."""
        return Grid(self.count, self.step_hours)

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return self.start + self.count * self.step

    @property
    def times(self) -> list[datetime]:
        """Start of each step in UTC."""
        return [self.start + index * self.step for index in range(self.count)]

    def steps_in(self, minutes: float) -> int:
        """Return the number of whole steps that cover `minutes`."""
        return int(np.ceil(round(minutes * 60 / self.step.total_seconds(), 9)))

    def first_step_from(self, moment: datetime) -> int:
        """Return the first step that starts at or after `moment`, clipped to 0..count."""
        return min(max(-((self.start - moment) // self.step), 0), self.count)

    def last_step_before(self, moment: datetime) -> int:
        """Return how many whole steps end at or before `moment`, clipped to 0..count."""
        return min(max((moment - self.start) // self.step, 0), self.count)
