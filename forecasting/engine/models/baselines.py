"""The forecasts that every other model is measured against."""

from dataclasses import dataclass

import numpy as np

from forecasting.engine.days import Days, of_zones
from forecasting.engine.features import Calendar
from forecasting.engine.grid import Series
from forecasting.engine.protocol import KINDS, Batch, Prediction, crossing_free
from forecasting.engine.spread import quantiles_of

REMEMBERED_DAYS = 56
FRIDAY = 4
ALIKE_DAYS = {4: 20, 5: 8, 6: 8}


@dataclass(frozen=True)
class SameSlot:
    """The value of the same slot some days before; the spread is that of its errors over recent weeks."""

    name: str
    days: int
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    fit_every_days: int = 1

    @property
    def minimum_history_days(self) -> float:
        """Days of readings that a channel needs."""
        return float(self.days)

    def fit(self, batch: Batch) -> "SameSlot":
        """Return itself: there is nothing to train."""
        del batch
        return self

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for rows, days in of_zones(batch, batch.with_history(self.days)):
            mean, quantiles = self._tables(days.history(batch.history[rows]), days)
            found.mean[rows] = days.steps(mean)
            found.quantiles[rows] = days.steps(quantiles)
        return crossing_free(found.mean, found.quantiles)

    def _tables(self, past: Series, days: Days) -> tuple[Series, Series]:
        filled = _carried_forward(past, self.days)
        ahead = np.stack([filled[:, -self.days + day % self.days] for day in range(days.days_ahead)], axis=1)
        errors = (past[:, self.days :] - filled[:, : -self.days])[:, -REMEMBERED_DAYS:]
        spread = quantiles_of(errors)
        return ahead, ahead[:, None] + spread[:, :, None]


def _carried_forward(past: Series, days: int) -> Series:
    """Return the table with what is unknown taken from `days` before, again and again."""
    filled = past.copy()
    for day in range(days, past.shape[1]):
        filled[:, day] = np.where(np.isnan(filled[:, day]), filled[:, day - days], filled[:, day])
    return filled


@dataclass(frozen=True)
class Climatology:
    """The mean of recent days of the same type (weekday, Saturday, Sunday or holiday); the spread is theirs."""

    name: str = "climatology"
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    minimum_history_days: float = 7.0
    fit_every_days: int = 1

    def fit(self, batch: Batch) -> "Climatology":
        """Return itself: there is nothing to train."""
        del batch
        return self

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel with enough history."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        countries: dict[str, list[int]] = {}
        for row in batch.with_history(self.minimum_history_days):
            countries.setdefault(batch.channels[row].country, []).append(row)
        for country, members in countries.items():
            for rows, days in of_zones(batch, members):
                ahead = self._ahead(days.history(batch.history[rows]), days, Calendar.of(days, country))
                found.mean[rows] = days.steps(np.stack([mean for mean, _ in ahead], axis=1))
                found.quantiles[rows] = days.steps(np.stack([spread for _, spread in ahead], axis=2))
        return crossing_free(found.mean, found.quantiles)

    def _ahead(self, past: Series, days: Days, calendar: Calendar) -> list[tuple[Series, Series]]:
        return [_alike(past, calendar, days.whole_days + ahead) for ahead in range(days.days_ahead)]


def _alike(past: Series, calendar: Calendar, day: int) -> tuple[Series, Series]:
    """Return mean and quantiles of the newest days of a day's type; all days count for a type not yet seen."""
    types = np.maximum(calendar.weekday, FRIDAY)
    same = np.where((types[: past.shape[1]] == types[day])[None], past, np.nan)
    # How many newer days of the type there are, slot by slot: the day of an afternoon's run has slots of two dates.
    newer = np.cumsum(~np.isnan(same)[:, ::-1], axis=1)[:, ::-1]
    chosen = np.where(newer <= ALIKE_DAYS[int(types[day, -1])], same, np.nan)
    chosen = np.where((~np.isnan(chosen)).any(axis=1, keepdims=True), chosen, past)
    known = ~np.isnan(chosen)
    mean = np.where(known, chosen, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean, quantiles_of(chosen)
