"""The forecasts that every other model is measured against."""

from dataclasses import dataclass

import numpy as np

from forecasting.engine.days import Days, of_zones
from forecasting.engine.grid import Series
from forecasting.engine.protocol import KINDS, LEVELS, Batch, Prediction, crossing_free

REMEMBERED_DAYS = 56


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
        for rows, days in of_zones(batch):
            if days.whole_days < self.days:
                continue
            mean, quantiles = self._tables(days.history(batch.history[rows]), days)
            found.mean[rows] = days.steps(mean)
            found.quantiles[rows] = days.steps(quantiles)
        return crossing_free(found.mean, found.quantiles)

    def _tables(self, past: Series, days: Days) -> tuple[Series, Series]:
        filled = _carried_forward(past, self.days)
        ahead = np.stack([filled[:, -self.days + day % self.days] for day in range(days.days_ahead)], axis=1)
        errors = (past[:, self.days :] - filled[:, : -self.days])[:, -REMEMBERED_DAYS:]
        spread = spread_of(errors)
        return ahead, ahead[:, None] + spread[:, :, None]


def spread_of(errors: Series) -> Series:
    """Return the quantiles (channels, 9, slots) of errors (channels, days, slots); 0 where there are none."""
    if errors.shape[1] == 0:
        return np.zeros((errors.shape[0], len(LEVELS), errors.shape[2]))
    unknown = np.isnan(errors).all(axis=1, keepdims=True)
    found = np.nanquantile(np.where(unknown, 0.0, errors), LEVELS, axis=1)
    return np.moveaxis(found, 0, 1)


def _carried_forward(past: Series, days: int) -> Series:
    """Return the table with what is unknown taken from `days` before, again and again."""
    filled = past.copy()
    for day in range(days, past.shape[1]):
        filled[:, day] = np.where(np.isnan(filled[:, day]), filled[:, day - days], filled[:, day])
    return filled
