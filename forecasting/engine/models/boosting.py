"""One LightGBM quantile model for all channels of a kind: it learns what the ridge forecast gets wrong, and when.

The training rows see the ridge forecast that was made without their own day. Two halves of the weeks are trained
separately; the forecast is the mean of both, and each half says how good the other is on days that it has not seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from forecasting.engine.days import Days
from forecasting.engine.features import Table, filled
from forecasting.engine.grid import Series
from forecasting.engine.models.ridge import DayFit, day_fit, tables_of
from forecasting.engine.protocol import KINDS, LEVELS, Batch, ForecastError, Prediction, crossing_free

if TYPE_CHECKING:
    from lightgbm import Booster

TRAINED_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
HALVES = 2
MOST_ROWS = 60_000
LEAST_ROWS = 500
TREES = 60
SETTINGS: Mapping[str, object] = {
    "objective": "quantile",
    "learning_rate": 0.08,
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
TINY = 1e-9
Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """The features (channels, target days, slots, features) of some channels, and the unit of each channel's errors."""

    rows: list[int]
    days: Days
    fits: list[DayFit]
    features: list[Numbers]
    unit: list[Series]


def feature_names(inputs: Sequence[str]) -> list[str]:
    """Return the names of the columns of `features_of`, for sorted names of inputs."""
    lags = [
        "estimate",
        "estimate earlier",
        "estimate later",
        "estimate mean",
        "day-1",
        "day-2",
        "day-7",
        "week mean",
        "week low",
        "week high",
        "earlier",
        "later",
        "newest",
        "day mean",
        "error-1",
        "error-2",
        "error-7",
        "error of the week",
        "usual error",
    ]
    calendar = ["slot", "weekday", "year", "ahead"]
    return [*lags, *calendar, *(f"{name} {part}" for name in inputs for part in ("now", "change", "trend", "mean"))]


def features_of(table: Table, fit: DayFit, ahead: int, inputs: Sequence[str]) -> tuple[Numbers, Series]:
    """Return the features of every target day, in units of each channel's level, and the unit of its errors."""
    targets, past = fit.rows.days, filled(table.past)
    base = targets - ahead - 1
    level = np.maximum(np.abs(past).mean(axis=(1, 2)), TINY)[:, None, None]
    center = past.mean(axis=(1, 2))[:, None, None]

    def back(n):
        return (past[:, np.maximum(base - n, 0)] - 0 * center) / level

    estimate = fit.estimate / level
    week = np.stack([back(n) for n in range(7)])
    errors = np.nan_to_num(fit.rows.target - fit.estimate)
    unit = np.maximum(np.sqrt((errors[:, :-1] ** 2).mean(axis=(1, 2))), TINY * level[:, 0, 0])
    scaled = errors / level
    # An error is known for a day that was itself a target, at the latest the day before the forecast was made.
    first = targets[0]

    def error(n):
        place = base - n - first
        return np.where((place >= 0)[None, :, None], scaled[:, np.maximum(place, 0)], 0.0)

    e = [error(n) for n in range(7)]
    usual = np.sqrt((scaled[:, :-1] ** 2).mean(axis=1, keepdims=True))
    shape = estimate.shape
    cols = [
        estimate,
        _shift(estimate, 1),
        _shift(estimate, -1),
        estimate.mean(axis=2, keepdims=True),
        back(0),
        back(1),
        back(6),
        week.mean(0),
        week.min(0),
        week.max(0),
        _shift(back(0), 1),
        _shift(back(0), -1),
        back(0)[..., -1:],
        back(0).mean(axis=2, keepdims=True),
        e[0].mean(2, keepdims=True),
        e[0],
        e[6 - ahead if ahead < 6 else 0],
        np.mean(e, axis=0).mean(2, keepdims=True),
        usual,
        np.arange(shape[2])[None, None] / shape[2],
        table.calendar.weekday[targets][None],
        table.calendar.year_share[targets][None],
        np.full((1, 1, 1), ahead),
    ]
    for name in inputs:
        values = table.inputs.get(name)
        if values is None:
            cols += [np.full((1, 1, 1), np.nan)] * 4
            continue
        now = values[:, targets]
        cols += [
            now,
            now - values[:, np.maximum(base, 0)],
            _shift(now, -1) - _shift(now, 1),
            now.mean(axis=2, keepdims=True),
        ]
    out = np.empty((*shape, len(cols)), dtype=np.float32)
    for i, c in enumerate(cols):
        out[..., i] = c
    return out, unit


def _shift(values: Series, by: int) -> Series:
    if by > 0:
        return np.concatenate([values[..., :1], values[..., :-1]], axis=-1)
    return np.concatenate([values[..., 1:], values[..., -1:]], axis=-1)


def scenes(batch: Batch, inputs: Sequence[str]) -> Iterator[Scene]:
    """Yield the features of the batch in pieces."""
    for rows, days, table in tables_of(batch):
        fits = [day_fit(table, ahead) for ahead in range(days.days_ahead)]
        found = [features_of(table, fit, ahead, inputs) for ahead, fit in enumerate(fits)]
        yield Scene(rows, days, fits, [f for f, _ in found], [u for _, u in found])


@dataclass(frozen=True, eq=False)
class FittedBoosting:
    inputs: Sequence[str]
    boosters: Sequence[Sequence["Booster"]]  # by half, by level

    def quantiles(self, features: Numbers, half: int | None = None) -> Series:
        """Return error quantiles (..., 9) in units of each channel's error."""
        flat = features.reshape(-1, features.shape[-1])
        chosen = self.boosters if half is None else [self.boosters[half]]
        found = np.mean([[b.predict(flat, num_threads=1) for b in h] for h in chosen], axis=0)
        return np.asarray(interpolated(found)).T.reshape(*features.shape[:-1], len(LEVELS))

    def tables(self, scene: Scene) -> Series:
        out = []
        for fit, features, unit in zip(scene.fits, scene.features, scene.unit):
            q = self.quantiles(features[:, -1])
            q = fit.estimate[:, -1][..., None] + q * unit[:, None, None]
            out.append(np.sort(np.moveaxis(q, -1, 1), axis=1))
        return np.stack(out, axis=2)

    def predict(self, batch: Batch) -> Prediction:
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for scene in scenes(batch, self.inputs):
            t = self.tables(scene)
            found.quantiles[scene.rows] = scene.days.steps(t)
            found.mean[scene.rows] = scene.days.steps(t.mean(axis=1))
        return crossing_free(found.mean, found.quantiles)


def interpolated(rows: Series) -> Series:
    """Return nine quantiles of those that were trained."""
    rows = np.sort(rows, axis=0)
    out = np.empty((len(LEVELS), rows.shape[1]))
    from scipy.stats import norm

    z, zt = norm.ppf(LEVELS), norm.ppf(TRAINED_LEVELS)
    for i, level in enumerate(LEVELS):
        j = min(max(np.searchsorted(zt, z[i]), 1), len(zt) - 1)
        share = (z[i] - zt[j - 1]) / (zt[j] - zt[j - 1])
        out[i] = rows[j - 1] * (1 - share) + rows[j] * share
    return out


@dataclass(frozen=True)
class Boosting:
    name: str = "boosting"
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    minimum_history_days: float = 60.0
    fit_every_days: int = 14
    trees: int = TREES

    def fit(self, batch: Batch) -> FittedBoosting:
        import lightgbm

        inputs = sorted(batch.inputs)
        xs, ys, halves = [], [], []
        for scene in scenes(batch, inputs):
            for fit, features, unit in zip(scene.fits, scene.features, scene.unit):
                y = fit.errors / unit[:, None, None]
                half = np.broadcast_to(half_of(fit)[None, :-1, None], y.shape)
                known = ~np.isnan(y)
                xs.append(features[:, :-1][known])
                ys.append(y[known])
                halves.append(half[known])
        x, y, half = np.concatenate(xs), np.concatenate(ys), np.concatenate(halves)
        if len(x) > MOST_ROWS:
            chosen = np.random.default_rng(7).choice(len(x), MOST_ROWS, replace=False)
            x, y, half = x[chosen], y[chosen], half[chosen]
        boosters = []
        for number in range(HALVES):
            data = lightgbm.Dataset(
                x[half == number],
                y[half == number],
                free_raw_data=False,
                params={"max_bin": 63, "verbose": -1, "min_data_in_leaf": SETTINGS["min_data_in_leaf"]},
            )
            boosters.append([lightgbm.train({**SETTINGS, "alpha": a}, data, self.trees) for a in TRAINED_LEVELS])
        return FittedBoosting(inputs, boosters)


def half_of(fit: DayFit) -> npt.NDArray[np.int64]:
    """Return which half of the weeks each target day belongs to, counted back from the forecast."""
    return (fit.rows.days[-1] - fit.rows.days) // 7 % HALVES
