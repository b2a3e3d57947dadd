"""Series as tables of local days: what happens at seven in the morning stays in the column of seven, summer and winter.

The days of a table begin at the wall-clock time of the origin. The hour that is skipped in spring is filled from its
neighbours, the hour that comes twice in autumn is averaged; on the way back each step in UTC takes the value of its
wall-clock slot.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.engine.grid import Grid, Series
from forecasting.engine.protocol import DAY, Batch

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Days:
    """The wall-clock places of a batch in one time zone, counted from the origin; negative ones are history."""

    slots: int
    past: Places
    ahead: Places
    first_day: pd.Timestamp

    @property
    def whole_days(self) -> int:
        """Whole days of history."""
        return int(-self.past[0] // self.slots) if len(self.past) else 0

    @property
    def days_ahead(self) -> int:
        """Days, the last perhaps in part, that the horizon touches."""
        return int(self.ahead[-1] // self.slots) + 1

    def history(self, values: Series) -> Series:
        """Return (channels, whole days, slots) of the history, the last day ending at the origin."""
        count = self.whole_days
        return _tabled(values, self.past + count * self.slots, count, self.slots)

    def throughout(self, values: Series) -> Series:
        """Return (channels, whole days + days ahead, slots) of values that also cover the horizon."""
        count = self.whole_days
        places = np.concatenate([self.past, self.ahead]) + count * self.slots
        return _tabled(values, places, count + self.days_ahead, self.slots)

    def steps(self, table: Series) -> Series:
        """Return (..., horizon) of a table (..., days ahead, slots)."""
        flat = table.reshape(*table.shape[:-2], -1)
        steps: Series = flat[..., self.ahead]
        return steps

    def starts(self) -> pd.DatetimeIndex:
        """Return the local wall-clock time at which each day begins, of the history and ahead."""
        return pd.date_range(
            self.first_day - self.whole_days * DAY, periods=self.whole_days + self.days_ahead, freq="D"
        )


def of_zones(batch: Batch, rows: Iterable[int] | None = None) -> Iterator[tuple[list[int], Days]]:
    """Yield the numbers of the channels (all, or some) of each time zone, and their days."""
    zones: dict[str, list[int]] = {}
    for row in range(len(batch.channels)) if rows is None else rows:
        zones.setdefault(batch.channels[row].time_zone, []).append(row)
    for zone, members in zones.items():
        yield members, days_of(batch, zone)


def days_of(batch: Batch, zone: str) -> Days:
    """Return the days of a batch in a time zone."""
    return _days(batch.known_grid.start, batch.grid, batch.steps_known, zone)


@lru_cache(maxsize=64)
def _days(start: object, grid: Grid, known: int, zone: str) -> Days:
    times = pd.date_range(pd.Timestamp(start), periods=known + grid.count, freq=grid.step)  # type: ignore[arg-type]
    local = times.tz_convert(zone).tz_localize(None)
    origin = pd.Timestamp(grid.start).tz_convert(zone).tz_localize(None)
    places = np.asarray((local - origin) // grid.step, dtype=np.int64)
    # A clock put back at the origin would fold the past onto the future: such steps of the past are left out below.
    past = np.minimum(places[:known], -1) if known else places[:0]
    return Days(DAY // grid.step, past, np.maximum(places[known:], 0), origin)


def _tabled(values: Series, places: Places, days: int, slots: int) -> Series:
    """Lay values by place; several values of one place are averaged, and a skipped hour is filled."""
    inside = (places >= 0) & (places < days * slots)
    table = np.full((len(values), days * slots), np.nan)
    chosen, where = values[:, inside], places[inside]
    table[:, where] = chosen
    for place in np.flatnonzero(np.bincount(where, minlength=1) > 1):
        table[:, place] = chosen[:, where == place].mean(axis=1)
    if len(where):
        met = np.zeros(days * slots, dtype=bool)
        met[where] = True
        skipped = np.flatnonzero(~met[: where[-1] + 1])
        skipped = skipped[skipped > where[0]]
        if len(skipped):
            _fill(table, skipped)
    return table.reshape(len(values), days, slots)


def _fill(table: Series, skipped: Places) -> None:
    for run in np.split(skipped, np.flatnonzero(np.diff(skipped) != 1) + 1):
        before, after = table[:, run[0] - 1], table[:, min(run[-1] + 1, table.shape[1] - 1)]
        share = (np.arange(len(run)) + 1) / (len(run) + 1)
        table[:, run] = before[:, None] * (1 - share) + after[:, None] * share
