"""Ridge regression per channel and slot over lags, calendar and inputs, all channels at once.

The spread is that of the errors on similar days, each error being what the model would have made without that day.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecasting.engine.days import Days, of_zones
from forecasting.engine.features import Calendar, Rows, Table, rows_of
from forecasting.engine.grid import Series
from forecasting.engine.protocol import KINDS, LEVELS, Batch, Prediction, crossing_free

PENALTIES = (0.01, 0.04, 0.16)
HALF_LIFE_DAYS = 180.0
MOST_DAYS = 730
NEIGHBOURS = 50
CELLS = 20_000_000
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class DayFit:
    """A ridge forecast of the rows of a table: of each day as if that day had not been measured, and of the last."""

    rows: Rows
    estimate: Series

    @property
    def errors(self) -> Series:
        """Errors (channels, training days, slots) of days that were forecast without being trained on."""
        return (self.rows.target - self.estimate)[:, :-1]


def day_fit(table: Table, ahead: int) -> DayFit:
    """Fit the ridge of every channel and slot, and forecast each day without itself."""
    rows = rows_of(table, ahead, MOST_DAYS)
    x, y, weight = _standardised(rows)
    best = _best_penalty(x, y, weight)
    return DayFit(rows, _unseen(x, y, weight, best) + _centre(rows, weight))


def _weights(rows: Rows) -> Series:
    age = rows.days[-1] - rows.days
    fading = 0.5 ** (age / HALF_LIFE_DAYS)
    weight = np.where(np.isnan(rows.target), 0.0, fading[None, :, None])
    return np.swapaxes(weight, 1, 2)


def _centre(rows, weight):
    y = np.nan_to_num(np.swapaxes(rows.target, 1, 2))
    total = np.maximum(weight.sum(axis=-1, keepdims=True), TINY)
    return np.swapaxes((weight * y).sum(-1, keepdims=True) / total, 1, 2)


def _standardised(rows: Rows) -> tuple[Series, Series, Series]:
    """Return features (channels, slots, days, features), targets and weights (channels, slots, days)."""
    weight = _weights(rows)
    total = np.maximum(weight.sum(axis=-1), TINY)[..., None]
    x = np.swapaxes(rows.values, 1, 2)
    known = ~np.isnan(x)
    x = np.where(known, x, 0.0)
    w = weight[..., None] * known
    tot = np.maximum(w.sum(axis=2, keepdims=True), TINY)
    mean = (w * x).sum(axis=2, keepdims=True) / tot
    x = np.where(known, x - mean, 0.0)
    scale = np.sqrt((w * x**2).sum(axis=2, keepdims=True) / tot)
    x = np.where(scale > 1e-9 * (np.abs(mean) + 1e-9), x / np.maximum(scale, TINY), 0.0)
    x = np.clip(x, -6, 6)
    y = np.nan_to_num(np.swapaxes(rows.target, 1, 2))
    y = np.where(weight > 0, y - (weight * y).sum(axis=-1, keepdims=True) / total, 0.0)
    return x, y, weight / total


def _unseen(x: Series, y: Series, weight: Series, penalty: Series) -> Series:
    """Return the estimates (channels, days, slots) with each day left out of its own training."""
    size = x.shape[-1]
    weighted = np.swapaxes(x * weight[..., None], 2, 3)
    gram = weighted @ x + penalty[:, None, None, None] * np.eye(size)
    solved = np.linalg.solve(gram, weighted)
    fitted = (x @ (solved @ y[..., None]))[..., 0]
    leverage = np.minimum(np.einsum("csdf,csfd->csd", x, solved) + weight, 0.9)
    unseen = y - (y - fitted) / (1 - leverage)
    return np.swapaxes(np.where(weight > 0, unseen, fitted), 1, 2)


def _best_penalty(x: Series, y: Series, weight: Series) -> Series:
    some = slice(None, None, max(x.shape[1] // 8, 1))
    losses = []
    for penalty in PENALTIES:
        e = _unseen(x[:, some], y[:, some], weight[:, some], np.full(len(x), penalty))
        losses.append((np.swapaxes(weight[:, some], 1, 2) * np.abs(e - np.swapaxes(y[:, some], 1, 2))).sum(axis=(1, 2)))
    return np.asarray(PENALTIES)[np.argmin(losses, axis=0)]


def similar_days(fit: DayFit) -> Series:
    """Return quantiles (channels, 9, slots) of the errors on the days most like the last one, slot by slot."""
    errors, estimate = fit.errors, fit.estimate
    w = np.isnan(errors)
    scale = estimate.std(axis=1) + TINY
    distance = np.abs(estimate[:, :-1] - estimate[:, -1:]) / scale[:, None]
    distance += ((fit.rows.days[-1] - fit.rows.days[:-1]) / 365.0)[None, :, None]
    distance = np.where(w, 1e9, distance)
    k = min(NEIGHBOURS, errors.shape[1])
    near = np.argpartition(distance, k - 1, axis=1)[:, :k]
    pool = [np.take_along_axis(np.roll(errors, shift, axis=2), near, axis=1) for shift in (-1, 0, 1)]
    return np.moveaxis(np.nanquantile(np.concatenate(pool, axis=1), LEVELS, axis=1), 0, 1)


def tables_of(batch: Batch) -> Iterator[tuple[list[int], Days, Table]]:
    """Yield the channels of each zone and country in pieces that fit into memory, as tables of days."""
    for rows, days in of_zones(batch):
        countries: dict[str, list[int]] = {}
        for row in rows:
            countries.setdefault(batch.channels[row].country, []).append(row)
        for country, members in countries.items():
            calendar = Calendar.of(days, country)
            size = max(int(CELLS / (min(days.whole_days, MOST_DAYS) * days.slots * (25 + 8 * len(batch.inputs)))), 1)
            for begin in range(0, len(members), size):
                piece = members[begin : begin + size]
                past = days.history(batch.history[piece])
                inputs = {name: days.throughout(values[piece]) for name, values in batch.inputs.items()}
                yield piece, days, Table(past, inputs, calendar)


@dataclass(frozen=True)
class Ridge:
    """The model: trains while it forecasts."""

    name: str = "ridge"
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    minimum_history_days: float = 28.0
    fit_every_days: int = 1

    def fit(self, batch: Batch) -> "Ridge":
        """Return itself: it trains in milliseconds, when it forecasts."""
        del batch
        return self

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for rows, days, table in tables_of(batch):
            fits = [day_fit(table, ahead) for ahead in range(days.days_ahead)]
            mean = np.stack([fit.estimate[:, -1] for fit in fits], axis=1)
            spread = np.stack([similar_days(fit) for fit in fits], axis=2)
            found.mean[rows] = days.steps(mean)
            found.quantiles[rows] = days.steps(mean[:, None] + spread)
        return crossing_free(found.mean, found.quantiles)
