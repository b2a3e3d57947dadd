"""The mean of ridge and boosting, weighted by how good they were, with a width that recent days confirm."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from forecasting.engine.grid import Series
from forecasting.engine.models.boosting import HALVES, Boosting, FittedBoosting, Scene, fill, half_of, scenes, view_of
from forecasting.engine.models.ridge import similar_days
from forecasting.engine.protocol import KINDS, LEVELS, Batch, Prediction, crossing_free
from forecasting.engine.scores import pinball
from forecasting.engine.spread import quantiles_of

RECENT_DAYS = 56
EVERY = 2
GROUPS = 4
DAYS_OF_DOUBT = 5.0
WIDTHS = (0.85, 2.0)
# A day ahead is a little less like the days before it than these are like each other.
CAUTION = 1.08
WEIGHTS = (0.25, 0.5, 0.75, 1.0)
MEDIAN = LEVELS.index(0.5)
EDGE_LEVEL = 0.9
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class FittedBlend:
    """The trained boosting, its weight, and factors of the lower and upper half of the band.

    `widths` is (2, channels + 1, groups of slots); a channel that was not trained on has the last row, the mean.
    """

    boosting: FittedBoosting
    weight: float
    widths: Series
    places: Mapping[str, int]

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel with enough history."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        for scene in scenes(batch, batch.with_history(self.boosting.minimum_history_days), self.boosting.inputs):
            ridge = np.stack([view.fit.estimate[:, None, -1] + similar_days(view.fit) for view in scene.views], axis=2)
            mixed = np.sort(self.weight * self.boosting.tables(scene) + (1 - self.weight) * ridge, axis=1)
            at = [self.places.get(batch.channels[row].name, -1) for row in scene.rows]
            group = np.arange(mixed.shape[-1]) * GROUPS // mixed.shape[-1]
            low, high = self.widths[:, at][:, :, None, None, group]
            fill(found, scene, _widened(mixed, low, high))
        return crossing_free(found.mean, found.quantiles)


@dataclass(frozen=True)
class Blend:
    """The model; trained as rarely as its boosting."""

    name: str = "blend"
    version: str = "1"
    kinds: frozenset[str] = frozenset(KINDS)
    minimum_history_days: float = 60.0
    fit_every_days: int = 28
    boosting: Boosting = field(default_factory=Boosting)

    def fit(self, batch: Batch) -> FittedBlend:
        """Train the boosting; weight and widths come from recent days that neither part has seen."""
        boosting = self.boosting.fit(batch)
        members = batch.with_history(boosting.minimum_history_days)
        found = [(scene.rows, *_recent(scene, boosting)) for scene in scenes(batch, members, boosting.inputs)]
        if not found:
            return FittedBlend(boosting, 1.0, np.ones((2, 1, GROUPS)), {})
        rows = [row for part in found for row in part[0]]
        ridge, boosted, outcome = (np.concatenate([part[number] for part in found]) for number in (1, 2, 3))
        weight = _best_weight(ridge, boosted, outcome)
        widths = _widths(np.sort(weight * boosted + (1 - weight) * ridge, axis=2), outcome)
        places = {batch.channels[row].name: place for place, row in enumerate(rows)}
        return FittedBlend(boosting, weight, widths, places)


def _recent(scene: Scene, boosting: FittedBoosting) -> tuple[Series, Series, Series]:
    """Return the quantiles (channels, days, 9, slots) of both on recent days that they have not seen, and the outcome.

    All zones have the same days; where some have fewer measured ones, the first days are unknown.
    """
    last = len(scene.views[0].fit.rows.days) - 1
    recent = min(RECENT_DAYS, last // 3)
    view = view_of(scene.table, 0, boosting.inputs, held_out=recent)
    fit = view.fit
    days = np.arange(last - recent, last)[::-EVERY][::-1]
    half = half_of(fit)[days]
    errors = np.empty((len(view.unit), len(days), view.features.shape[2], len(LEVELS)))
    for number in range(HALVES):
        if (half == number).any():
            errors[:, half == number] = boosting.errors(view.features[:, days[half == number]], HALVES - 1 - number)
    boosted = fit.estimate[:, days, None] + np.moveaxis(errors, -1, 2) * view.unit[:, None, None, None]
    ridge = np.stack([fit.estimate[:, None, day] + similar_days(fit, int(day)) for day in days], axis=1)
    outcome = fit.rows.target[:, days]
    missing = RECENT_DAYS // EVERY - len(days)
    pad = [(0, 0), (max(missing, 0), 0), (0, 0)]
    return (
        np.pad(ridge, [*pad[:2], (0, 0), (0, 0)], constant_values=0.0),
        np.pad(boosted, [*pad[:2], (0, 0), (0, 0)], constant_values=0.0),
        np.pad(outcome, pad, constant_values=np.nan),
    )


def _best_weight(ridge: Series, boosted: Series, outcome: Series) -> float:
    """Return the share of the boosting with the least pinball loss; each channel counts by its own level."""
    level = np.nanmean(np.abs(outcome), axis=(1, 2), keepdims=True) + TINY

    def loss(weight: float) -> float:
        return float(np.nanmean(pinball(weight * boosted + (1 - weight) * ridge, outcome) / level))

    return min(WEIGHTS, key=loss)


def _widths(quantiles: Series, outcome: Series) -> Series:
    """Return the factors (2, channels + 1, groups) by which the band's edges would have been right.

    As in conformal prediction: the outcome's distance from the median, in units of the edge's; few days say little.
    """
    slots = outcome.shape[-1]
    group = np.arange(slots) * GROUPS // slots
    middle = quantiles[:, :, MEDIAN]
    level = np.nanmean(np.abs(outcome), axis=(1, 2), keepdims=True)
    days = (~np.isnan(outcome)).any(axis=2).sum(axis=1)
    trust = (days / (days + DAYS_OF_DOUBT))[:, None]
    sides = []
    for edge, sign in ((0, -1.0), (-1, 1.0)):
        reach = sign * (quantiles[:, :, edge] - middle)
        ratio = np.where(
            reach > 1e-6 * level, sign * (outcome - middle) / np.maximum(reach, 1e-6 * level + TINY), np.nan
        )
        columns = [
            quantiles_of(ratio[..., group == number].reshape(len(ratio), -1, 1), [EDGE_LEVEL])[:, 0]
            for number in range(GROUPS)
        ]
        found = np.concatenate(columns, axis=1)
        sides.append(CAUTION * np.clip(np.where(found > 0, found, 1.0), *WIDTHS) ** trust)
    widths = np.stack(sides)
    return np.concatenate([widths, widths.mean(axis=1, keepdims=True)], axis=1)


def _widened(quantiles: Series, low: Series, high: Series) -> Series:
    middle = quantiles[:, MEDIAN : MEDIAN + 1]
    below = (np.arange(len(LEVELS)) < MEDIAN)[:, None, None]
    widened: Series = middle + (quantiles - middle) * np.where(below, low, high)
    return widened
