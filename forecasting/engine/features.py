"""What a forecast of a local day is made from: earlier days, the calendar, and inputs of that day.

The target day `t` of a table of days is forecast from the days up to `t - ahead - 1`, so the same rows serve training
(days that have been measured) and the forecast (the day `ahead` days after the last measured one).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import holidays
import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.engine.days import Days
from forecasting.engine.grid import Series
from forecasting.engine.protocol import TEMPERATURE

LAG_DAYS = 7
WEEKS = (7, 14)
YEAR_DAYS = 365.25
HEATING_LIMIT_C = 15.0
SUNDAY = 6
FEW_INPUTS = 4


@dataclass(frozen=True, eq=False)
class Calendar:
    """The calendar of a table of days: (days, slots) each. A public holiday counts as a Sunday."""

    weekday: npt.NDArray[np.int64]
    holiday: npt.NDArray[np.bool_]
    year_share: Series

    @classmethod
    def of(cls, days: Days, country: str) -> "Calendar":
        """Return the calendar of the history and the days ahead in a country."""
        starts, step = days.starts(), pd.Timedelta(days=1) / days.slots
        times = starts.to_numpy()[:, None] + (np.arange(days.slots) * step.to_timedelta64())[None]
        dates = pd.DatetimeIndex(times.ravel()).normalize()
        free = dates.isin(_holidays(country, int(dates.year.min()), int(dates.year.max())))
        weekday = np.where(free, SUNDAY, dates.day_of_week)
        shape = times.shape
        share = np.asarray(dates.day_of_year, dtype=np.float64) / YEAR_DAYS
        return cls(weekday.reshape(shape), free.reshape(shape), share.reshape(shape))


@lru_cache(maxsize=256)
def _holidays(country: str, first: int, last: int) -> pd.DatetimeIndex:
    if not country:
        return pd.DatetimeIndex([])
    try:
        found = holidays.country_holidays(country, years=range(first, last + 1))
    except NotImplementedError:
        return pd.DatetimeIndex([])
    return pd.DatetimeIndex(sorted(found))


@dataclass(frozen=True, eq=False)
class Rows:
    """Features (channels, target days, slots, features) with their names; the last target day is the forecast one."""

    days: npt.NDArray[np.int64]
    names: Sequence[str]
    values: npt.NDArray[np.float32]
    target: Series


@dataclass(frozen=True, eq=False)
class Table:
    """The channels of one zone and country as days: what was measured, and the inputs also for the days ahead."""

    past: Series
    inputs: Mapping[str, Series]
    calendar: Calendar
    kind: str = "load"

    @property
    def days(self) -> int:
        """Days of history."""
        return int(self.past.shape[1])

    def first_target(self, ahead: int) -> int:
        """Return the first day that has all its lags."""
        return min(LAG_DAYS + 1, max(self.days - 1, 1)) + ahead


def filled(past: Series) -> Series:
    """Return a table with unknown values taken from the week before, the day before, or the slot's mean."""
    whole = past.copy()
    if not np.isnan(whole).any():
        return whole
    for back in (7, 1):
        for day in range(back, whole.shape[1]):
            whole[:, day] = np.where(np.isnan(whole[:, day]), whole[:, day - back], whole[:, day])
    known = ~np.isnan(whole)
    mean = np.where(known, whole, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, whole, mean[:, None])


def rows_of(table: Table, ahead: int, newest: int) -> Rows:
    """Return the features of the `newest` target days and of the day that is `ahead` of the last measured one."""
    first = max(table.first_target(ahead), table.days - newest)
    targets = np.append(np.arange(first, table.days), table.days + ahead)
    columns = {
        **_lags(filled(table.past), targets, ahead),
        **_of_calendar(table.calendar, targets, table.days),
        **_of_inputs(table.inputs, targets, ahead),
    }
    values = np.empty((*_shape(table, targets), len(columns)), dtype=np.float32)
    for number, column in enumerate(columns.values()):
        values[..., number] = column
    target = np.full(_shape(table, targets), np.nan)
    target[:, :-1] = table.past[:, targets[:-1]]
    return Rows(targets, list(columns), values, target)


def _shape(table: Table, targets: npt.NDArray[np.int64]) -> tuple[int, int, int]:
    return (table.past.shape[0], len(targets), table.past.shape[2])


def _lags(past: Series, targets: npt.NDArray[np.int64], ahead: int) -> dict[str, Series]:
    base = targets - ahead - 1
    columns = {f"day-{back + 1}": past[:, np.maximum(base - back, 0)] for back in range(LAG_DAYS)}
    for week in WEEKS:
        if week > LAG_DAYS + ahead:
            columns[f"week-{week}"] = past[:, np.maximum(targets - week, 0)]
    last = past[:, np.maximum(base, 0)]
    slots = past.shape[2]
    columns["earlier"] = np.concatenate([last[..., :1], last[..., :-1]], axis=-1)
    columns["later"] = np.concatenate([last[..., 1:], last[..., -1:]], axis=-1)
    columns["newest"] = last[..., -1:]
    columns["evening"] = last[..., -max(slots // 8, 1) :].mean(axis=-1, keepdims=True)
    columns["day mean"] = last.mean(axis=-1, keepdims=True)
    columns["mean of the day before"] = past[:, np.maximum(base - 1, 0)].mean(axis=-1, keepdims=True)
    return columns


def _of_calendar(calendar: Calendar, targets: npt.NDArray[np.int64], days: int) -> dict[str, Series]:
    weekday = calendar.weekday[targets]
    columns = {f"weekday {day}": (weekday == day)[None].astype(np.float64) for day in (0, 1, 3, 4, 5, 6)}
    if days > YEAR_DAYS * 0.8:
        turn = 2 * np.pi * calendar.year_share[targets]
        columns |= {"winter": np.cos(turn)[None], "spring": np.sin(turn)[None]}
    return columns


def _of_inputs(inputs: Mapping[str, Series], targets: npt.NDArray[np.int64], ahead: int) -> dict[str, Series]:
    columns: dict[str, Series] = {}
    for name, values in inputs.items():
        now, before = values[:, targets], values[:, np.maximum(targets - ahead - 1, 0)]
        columns[name] = now
        columns[f"{name} squared"] = now**2
        columns[f"{name} earlier"] = np.concatenate([now[..., :1], now[..., :-1]], axis=-1)
        columns[f"{name} later"] = np.concatenate([now[..., 1:], now[..., -1:]], axis=-1)
        columns[f"{name} day mean"] = np.broadcast_to(_nanmean(now), now.shape)
        if len(inputs) <= FEW_INPUTS:
            columns[f"{name} before"] = before
            columns[f"{name} mean before"] = np.broadcast_to(_nanmean(before), now.shape)
        if name == TEMPERATURE:
            columns["heating degrees"] = np.maximum(HEATING_LIMIT_C - now, 0.0)
    return columns


def _nanmean(values: Series) -> Series:
    known = ~np.isnan(values)
    total: Series = np.where(known, values, 0.0).sum(axis=-1, keepdims=True)
    mean: Series = total / np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return mean
