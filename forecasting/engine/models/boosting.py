"""One LightGBM quantile model for all channels of a kind: it learns what the ridge forecast gets wrong, and when.

The training rows see the ridge forecast that was made without their own day. Two halves of the weeks are trained
separately; the forecast is the mean of both, and each half can be judged by days that it has not seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from forecasting.engine.days import Days
from forecasting.engine.features import Table, filled
from forecasting.engine.grid import Series
from forecasting.engine.models.ridge import MOST_DAYS, DayFit, Numbers, day_fit, tables_of
from forecasting.engine.protocol import KINDS, LEVELS, Batch, Prediction, crossing_free
from forecasting.engine.spread import usual_range

if TYPE_CHECKING:
    from lightgbm import Booster

# Five levels are trained; the other four lie between them, on the scale of a normal distribution.
TRAINED_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
HALVES = 2
MOST_ROWS = 60_000
MOST_ROWS_PER_CHANNEL = 8_000
TREES = 45
SETTINGS: Mapping[str, object] = {
    "objective": "quantile",
    "learning_rate": 0.1,
    "num_leaves": 20,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
WEEK = 7
TINY = 1e-9


@dataclass(frozen=True, eq=False)
class View:
    """What is known of one day ahead: the ridge, the features (channels, target days, slots, features), the unit.

    The unit of a channel is the size of its ridge's usual error; quantiles are learned in it.
    """

    fit: DayFit
    features: Numbers
    unit: Series


@dataclass(frozen=True, eq=False)
class Scene:
    """Some channels of a batch, by number, with one view for each day ahead."""

    rows: list[int]
    days: Days
    table: Table
    views: list[View]


def scenes(batch: Batch, rows: list[int], inputs: Sequence[str]) -> Iterator[Scene]:
    """Yield the scenes of some channels of a batch; an input that the batch lacks is unknown throughout."""
    for members, days, table in tables_of(batch, rows):
        views = [view_of(table, ahead, inputs) for ahead in range(days.days_ahead)]
        yield Scene(members, days, table, views)


def half_of(fit: DayFit) -> npt.NDArray[np.int64]:
    """Return which half of the weeks each target day belongs to, counted back from the forecast."""
    half: npt.NDArray[np.int64] = (fit.rows.days[-1] - fit.rows.days) // WEEK % HALVES
    return half


@dataclass(frozen=True, eq=False)
class FittedBoosting:
    """Trained boosters, by half of the weeks and by level."""

    inputs: Sequence[str]
    boosters: Sequence[Sequence["Booster"]]
    minimum_history_days: float

    def errors(self, features: Numbers, half: int | None = None) -> Series:
        """Return quantiles of the ridge's error (..., 9), by both halves or by one."""
        flat = features.reshape(-1, features.shape[-1])
        chosen = self.boosters if half is None else [self.boosters[half]]
        found = np.mean([_predicted(boosters, flat) for boosters in chosen], axis=0)
        return interpolated(np.sort(found, axis=0)).T.reshape(*features.shape[:-1], len(LEVELS))

    def tables(self, scene: Scene) -> Series:
        """Return quantiles (channels, 9, days ahead, slots)."""
        found = []
        for view in scene.views:
            errors = np.moveaxis(self.errors(view.features[:, -1]), -1, 1)
            found.append(view.fit.estimate[:, None, -1] + errors * view.unit[:, None, None])
        return np.stack(found, axis=2)

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel with enough history."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for scene in scenes(batch, batch.with_history(self.minimum_history_days), self.inputs):
            fill(found, scene, self.tables(scene))
        return crossing_free(found.mean, found.quantiles)


def fill(found: Prediction, scene: Scene, quantiles: Series) -> None:
    """Write quantiles (channels, 9, days ahead, slots) of a scene, within the usual range, and their mean."""
    low, high = usual_range(scene.table.past)
    kept = np.clip(quantiles, low[:, None, None], high[:, None, None])
    found.quantiles[scene.rows] = scene.days.steps(kept)
    found.mean[scene.rows] = scene.days.steps(kept.mean(axis=1))


@dataclass(frozen=True)
class Boosting:
    """The model; trained rarely, for all channels of a kind and organization."""

    name: str = "boosting"
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    minimum_history_days: float = 60.0
    fit_every_days: int = 28
    trees: int = TREES

    def fit(self, batch: Batch) -> FittedBoosting:
        """Train on the channels with enough history; without any, the model knows nothing."""
        # Loading LightGBM takes longer than most forecasts; only processes that train pay for it.
        import lightgbm

        inputs = sorted(batch.inputs)
        members = batch.with_history(self.minimum_history_days)
        cells = (
            len(members)
            * min(batch.steps_known, MOST_DAYS * batch.steps_per_day)
            * max(-(-batch.horizon // batch.steps_per_day), 1)
        )
        draw, wanted = np.random.default_rng(7), min(MOST_ROWS, len(members) * MOST_ROWS_PER_CHANNEL)
        found = [_training(scene, wanted / max(cells, 1), draw) for scene in scenes(batch, members, inputs)]
        if not found:
            return FittedBoosting(inputs, [], float("inf"))
        x, y, half = (np.concatenate(part) for part in zip(*found, strict=True))
        boosters = []
        for number in range(HALVES):
            chosen = half == number
            data = lightgbm.Dataset(x[chosen], y[chosen], params=dict(SETTINGS), free_raw_data=False)
            boosters.append(
                [lightgbm.train({**SETTINGS, "alpha": level}, data, self.trees) for level in TRAINED_LEVELS]
            )
        return FittedBoosting(inputs, boosters, self.minimum_history_days)


def interpolated(rows: Series) -> Series:
    """Return nine quantiles (9, ...) of the five that were trained."""
    places, trained = (np.asarray(norm.ppf(np.asarray(each))) for each in (LEVELS, TRAINED_LEVELS))
    after = np.clip(np.searchsorted(trained, places), 1, len(trained) - 1)
    share = ((places - trained[after - 1]) / (trained[after] - trained[after - 1]))[:, None]
    found: Series = rows[after - 1] * (1 - share) + rows[after] * share
    return found


def _predicted(boosters: Sequence["Booster"], rows: Numbers) -> Series:
    return np.asarray([each.predict(rows, num_threads=1) for each in boosters], dtype=np.float64)


def _training(scene: Scene, share: float, draw: np.random.Generator) -> tuple[Numbers, Series, npt.NDArray[np.int64]]:
    """Return a random share of the scene's rows: features, errors of the ridge in their unit, half of the weeks."""
    parts = []
    for view in scene.views:
        errors = view.fit.errors / view.unit[:, None, None]
        half = np.broadcast_to(half_of(view.fit)[None, :-1, None], errors.shape)
        chosen = ~np.isnan(errors) & (draw.random(errors.shape) < share)
        parts.append((view.features[:, :-1][chosen], errors[chosen], half[chosen]))
    x, y, half = (np.concatenate(part) for part in zip(*parts, strict=True))
    return x, y, half


def view_of(table: Table, ahead: int, inputs: Sequence[str], held_out: int = 0) -> View:
    """Return what is known of a day ahead; the ridge has not seen the newest `held_out` days."""
    fit = day_fit(table, ahead, held_out)
    past = filled(table.past)
    level = np.maximum(np.abs(past).mean(axis=(1, 2)), TINY)
    errors = np.nan_to_num(fit.rows.target - fit.estimate)
    unit = np.maximum(np.sqrt((errors[:, :-1] ** 2).mean(axis=(1, 2))), TINY * level)
    base = fit.rows.days - ahead - 1
    columns = [
        *_of_values(past / level[:, None, None], fit.estimate / level[:, None, None], base),
        *_of_errors(errors / level[:, None, None], base - fit.rows.days[0]),
        *_of_calendar(table, fit, ahead),
        *(column for name in inputs for column in _of_input(table.inputs.get(name), fit, base)),
    ]
    features = np.empty((*fit.estimate.shape, len(columns)), dtype=np.float32)
    for number, column in enumerate(columns):
        features[..., number] = column
    return View(fit, features, unit)


def _of_values(past: Series, estimate: Series, base: npt.NDArray[np.int64]) -> list[Series]:
    week = np.stack([past[:, np.maximum(base - back, 0)] for back in range(WEEK)])
    last = week[0]
    estimates = [estimate, _earlier(estimate), _later(estimate), estimate.mean(axis=2, keepdims=True)]
    around = [_earlier(last), _later(last), last[..., -1:], last.mean(axis=2, keepdims=True)]
    return [*estimates, last, week[1], week[-1], week.mean(axis=0), week.min(axis=0), week.max(axis=0), *around]


def _of_errors(errors: Series, place: npt.NDArray[np.int64]) -> list[Series]:
    """Return the errors of the last measured days; `place` is the row of the last one, below zero where none is."""
    week = np.stack(
        [np.where((place >= back)[None, :, None], errors[:, np.maximum(place - back, 0)], 0.0) for back in range(WEEK)]
    )
    usual = np.sqrt((errors[:, :-1] ** 2).mean(axis=1, keepdims=True))
    newest, mean = (part.mean(axis=2, keepdims=True) for part in (week[0], week.mean(axis=0)))
    return [newest, week[0], week[-1], mean, usual]


def _of_calendar(table: Table, fit: DayFit, ahead: int) -> list[Series]:
    days, slots = fit.rows.days, table.past.shape[2]
    slot = np.arange(slots)[None, None] / slots
    weekday, year = (part[days][None] for part in (table.calendar.weekday, table.calendar.year_share))
    return [slot, weekday, year, np.full((1, 1, 1), float(ahead))]


def _of_input(values: Series | None, fit: DayFit, base: npt.NDArray[np.int64]) -> list[Series]:
    if values is None:
        return [np.full((1, 1, 1), np.nan)] * 4
    now = values[:, fit.rows.days]
    change = now - values[:, np.maximum(base, 0)]
    return [now, change, _later(now) - _earlier(now), now.mean(axis=2, keepdims=True)]


def _earlier(values: Series) -> Series:
    return np.concatenate([values[..., :1], values[..., :-1]], axis=-1)


def _later(values: Series) -> Series:
    return np.concatenate([values[..., 1:], values[..., -1:]], axis=-1)
