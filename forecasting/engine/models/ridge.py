"""Ridge regression per channel and slot over lags, calendar and inputs, all channels at once.

The spread is that of the errors on similar days, each error being what the model would have made without that day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from forecasting.engine.days import Days, of_zones
from forecasting.engine.features import Calendar, Rows, Table, rows_of
from forecasting.engine.grid import Series
from forecasting.engine.models.lear import lear_estimates
from forecasting.engine.protocol import KINDS, Batch, Prediction, crossing_free
from forecasting.engine.spread import quantiles_of, usual_range

PENALTIES = (0.01, 0.04, 0.16, 0.64)
HALF_LIFE_DAYS = 365.0
MOST_DAYS = 540
LEAST_DAYS = 15
NEIGHBOURS = 50
LEAR_SHARE = 0.7
HIGHEST_LEVERAGE = 0.9
STANDARD_LIMIT = 6.0
CELLS = 20_000_000
TINY = 1e-12
UNKNOWN_DISTANCE = 1e9
Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DayFit:
    """Estimates (channels, target days, slots): of each day as if it had not been measured, and of the forecast day."""

    rows: Rows
    estimate: Series

    @property
    def errors(self) -> Series:
        """Errors (channels, training days, slots) on days that were not trained on."""
        return (self.rows.target - self.estimate)[:, :-1]


@dataclass(frozen=True, eq=False)
class _Task:
    """Standardised features (channels, slots, days, features), centred targets and weights (channels, slots, days)."""

    x: Numbers
    y: Numbers
    weight: Numbers
    centre: Series

    def part(self, every: int) -> "_Task":
        return _Task(self.x[:, ::every], self.y[:, ::every], self.weight[:, ::every], self.centre[:, ::every])


def day_fit(table: Table, ahead: int, held_out: int = 0) -> DayFit:
    """Fit every channel and slot, and forecast each day without itself; the newest `held_out` days train nothing."""
    rows = rows_of(table, ahead, MOST_DAYS)
    seen = replace(rows, target=rows.target.copy())
    seen.target[:, len(rows.days) - 1 - held_out :] = np.nan
    task = _task(seen)
    estimate = np.swapaxes(_unseen(task, _best_penalty(task)) + task.centre, 1, 2)
    if table.kind == "price":
        lear = lear_estimates(table, seen, ahead)
        estimate = np.where(np.isnan(lear), estimate, LEAR_SHARE * lear + (1 - LEAR_SHARE) * estimate)
    return DayFit(rows, estimate)


def similar_days(fit: DayFit, day: int = -1) -> Series:
    """Return quantiles (channels, 9, slots) of the errors on the days most like a target day, slot by slot.

    Days are alike where their estimates are, and where they are not long apart; the slots next to each also count.
    """
    errors, estimate, days = fit.errors, fit.estimate, fit.rows.days
    scale = estimate.std(axis=1, keepdims=True) + TINY
    distance = np.abs(estimate[:, :-1] - estimate[:, [day]]) / scale
    distance += (np.abs(days[day] - days[:-1]) / 365.0)[None, :, None]
    distance[np.isnan(errors)] = UNKNOWN_DISTANCE
    if day != -1:
        distance[:, day] = UNKNOWN_DISTANCE
    count = min(NEIGHBOURS, errors.shape[1])
    near = np.argpartition(distance, count - 1, axis=1)[:, :count]
    pool = [np.take_along_axis(np.roll(errors, shift, axis=2), near, axis=1) for shift in (-1, 0, 1)]
    return quantiles_of(np.concatenate(pool, axis=1))


def tables_of(batch: Batch, rows: list[int]) -> Iterator[tuple[list[int], Days, Table]]:
    """Yield the given channels by zone, country and kind, in pieces that fit into memory, as tables of days."""
    for members, days in of_zones(batch, rows):
        if days.whole_days < LEAST_DAYS:
            continue
        alike: dict[tuple[str, str], list[int]] = {}
        for row in members:
            alike.setdefault((batch.channels[row].country, batch.channels[row].kind), []).append(row)
        cells = min(days.whole_days, MOST_DAYS) * days.slots * (25 + 8 * len(batch.inputs))
        size = max(CELLS // cells, 1)
        for (country, kind), same in alike.items():
            calendar = Calendar.of(days, country)
            for begin in range(0, len(same), size):
                piece = same[begin : begin + size]
                past = days.history(batch.history[piece])
                inputs = {name: days.throughout(values[piece]) for name, values in batch.inputs.items()}
                yield piece, days, Table(past, inputs, calendar, kind)


@dataclass(frozen=True)
class Ridge:
    """The model; it trains in milliseconds, while it forecasts."""

    name: str = "ridge"
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    minimum_history_days: float = 28.0
    fit_every_days: int = 1

    def fit(self, batch: Batch) -> "Ridge":
        """Return itself."""
        del batch
        return self

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel with enough history."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for rows, days, table in tables_of(batch, batch.with_history(self.minimum_history_days)):
            fits = [day_fit(table, ahead) for ahead in range(days.days_ahead)]
            mean = np.stack([fit.estimate[:, -1] for fit in fits], axis=1)
            spread = np.stack([similar_days(fit) for fit in fits], axis=2)
            low, high = usual_range(table.past)
            found.mean[rows] = days.steps(np.clip(mean, low[:, None], high[:, None]))
            found.quantiles[rows] = days.steps(np.clip(mean[:, None] + spread, low[:, None, None], high[:, None, None]))
        return crossing_free(found.mean, found.quantiles)


def _task(rows: Rows) -> _Task:
    age = rows.days[-1] - rows.days
    fading = 0.5 ** (age / HALF_LIFE_DAYS)
    target = np.swapaxes(rows.target, 1, 2)
    weight = np.where(np.isnan(target), 0.0, fading)
    weight /= np.maximum(weight.sum(axis=-1, keepdims=True), TINY)
    centre = (weight * np.nan_to_num(target)).sum(axis=-1, keepdims=True)
    y = np.where(weight > 0, target - centre, 0.0)
    x = _standardised(np.swapaxes(rows.values, 1, 2), weight.astype(np.float32))
    return _Task(x, y.astype(np.float32), weight.astype(np.float32), centre)


def _standardised(x: Numbers, weight: Numbers) -> Numbers:
    counted = weight[:, :, None]
    off = np.array(x, dtype=np.float32, order="C")
    unknown = np.isnan(off)
    total: Numbers = counted.sum(axis=3, keepdims=True)
    if gaps := bool(unknown.any()):
        off[unknown] = 0
        total = counted @ (~unknown).astype(np.float32)
    total = np.maximum(total, np.float32(TINY))
    mean = counted @ off / total
    off -= mean
    if gaps:
        off[unknown] = 0
    deviation = np.sqrt(counted @ off**2 / total)
    usable = deviation > 1e-5 * np.abs(mean)
    off *= np.where(usable, 1 / np.where(usable, deviation, np.float32(1)), np.float32(0))
    return np.clip(off, -STANDARD_LIMIT, STANDARD_LIMIT, out=off)


def _unseen(task: _Task, penalty: Series) -> Series:
    """Return centred estimates (channels, slots, days), each day left out of its own training by its leverage."""
    x, weight = task.x, task.weight
    weighted = np.swapaxes(x * weight[..., None], 2, 3)
    eye = np.eye(x.shape[-1], dtype=np.float32)
    gram = weighted @ x + penalty.astype(np.float32)[:, None, None, None] * eye
    # The inverse once and a product for all days take a fifth of the time of solving for each day.
    solved = x @ np.linalg.inv(gram)
    fitted = (solved @ (weighted @ task.y[..., None]))[..., 0]
    leverage = np.minimum((np.einsum("csdf,csdf->csd", solved, x) + 1) * weight, HIGHEST_LEVERAGE)
    unseen = task.y - (task.y - fitted) / (1 - leverage)
    return np.where(weight > 0, unseen, fitted).astype(np.float64)


def _best_penalty(task: _Task) -> Series:
    """Return the penalty of each channel that is best on unseen days, judged by some of its slots."""
    some = task.part(max(task.x.shape[1] // 8, 1))
    losses = [
        (some.weight * np.abs(_unseen(some, np.full(len(some.x), penalty)) - some.y)).sum(axis=(1, 2))
        for penalty in PENALTIES
    ]
    best: Series = np.asarray(PENALTIES)[np.argmin(losses, axis=0)]
    return best
