"""What the physical models share: an expectation from parameters and weather, brought to the level of a history.

An expectation needs no readings. Where there are some, its level is scaled and its band made wider or narrower, so that
a shaded roof or an old boiler is forecast as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Protocol

import numpy as np

from forecasting.engine.grid import Grid, Series
from forecasting.engine.protocol import LEVELS, Batch, ChannelFacts, Prediction, crossing_free

DAY = timedelta(days=1)
CALIBRATION_DAYS = 30
LEAST_DAYS = 3
LEAST_SCALE, MOST_SCALE = 0.05, 3.0
LEAST_WIDTH, MOST_WIDTH = 0.3, 3.0
# Normal quantiles of the nine levels.
Z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def draws(count: int) -> Series:
    """Return equally likely draws of a normal error, for what is no straight function of it."""
    return np.array([NormalDist().inv_cdf((number + 0.5) / count) for number in range(count)])


DRAWS = draws(40)

Inputs = Mapping[str, Series]


@dataclass(frozen=True, eq=False)
class Expected:
    """What is expected per step, all at least 0: mean, nine quantiles (9, steps), and what it cannot exceed."""

    mean: Series
    quantiles: Series
    highest: float = np.inf


class Expectation(Protocol):
    """How a kind of device behaves."""

    def __call__(self, channel: ChannelFacts, inputs: Inputs, grid: Grid, issued_at: datetime) -> Expected | None:
        """Return what is expected over a grid; None where the channel's parameters do not say enough."""


@dataclass(frozen=True)
class Calibration:
    """How a device differs from its parameters: its level, and the width of its band."""

    scale: float = 1.0
    width: float = 1.0


@dataclass(frozen=True)
class Physical:
    """A model of one kind of device; `sign` is -1 for what produces."""

    name: str
    kinds: frozenset[str]
    expect: Expectation
    sign: float = 1.0
    version: str = "1"
    minimum_history_days: float = 0.0
    fit_every_days: int = 7

    def fit(self, batch: Batch) -> "FittedPhysical":
        """Compare the expectation with what was measured, where something was."""
        found = {}
        for row, channel in enumerate(batch.channels):
            calibration = self._compared(batch, row, channel)
            if calibration is not None:
                found[channel.name] = calibration
        return FittedPhysical(self, found)

    def _compared(self, batch: Batch, row: int, channel: ChannelFacts) -> Calibration | None:
        steps = min(batch.steps_known, CALIBRATION_DAYS * batch.steps_per_day)
        known = batch.steps_known
        measured = self.sign * batch.history[row, known - steps : known]
        if np.isfinite(measured).sum() < LEAST_DAYS * batch.steps_per_day:
            return None
        inputs = {name: values[row, known - steps : known] for name, values in batch.inputs.items()}
        grid = Grid(batch.origin - steps * batch.step, batch.step, steps)
        expected = self.expect(channel, inputs, grid, grid.start)
        return None if expected is None else _calibrated(measured, expected)


@dataclass(frozen=True)
class FittedPhysical:
    """A physical model with what was learned of each channel, by the channel's name."""

    model: Physical
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel whose parameters say enough."""
        found = Prediction.empty(len(batch.channels), batch.horizon)
        # A day more at the front, as buildings remember the day before.
        before = min(batch.steps_per_day, batch.steps_known)
        grid = Grid(batch.origin - before * batch.step, batch.step, before + batch.horizon)
        for row, channel in enumerate(batch.channels):
            inputs = {name: values[row, batch.steps_known - before :] for name, values in batch.inputs.items()}
            expected = self.model.expect(channel, inputs, grid, batch.origin)
            if expected is not None:
                own = self.calibrations.get(channel.name, Calibration())
                mean, quantiles = _applied(expected, own)
                found.mean[row] = self.model.sign * mean[before:]
                found.quantiles[row] = self.model.sign * quantiles[:, before:]
        return crossing_free(found.mean, found.quantiles)


def lead_days(grid: Grid, issued_at: datetime) -> Series:
    """Return how many days after the issue the middle of each step lies; 0 before it."""
    first = (grid.start - issued_at) / DAY + grid.step / DAY / 2
    days: Series = np.maximum(first + np.arange(grid.count) * (grid.step / DAY), 0.0)
    return days


def from_draws(outcomes: Series, highest: float = np.inf) -> Expected:
    """Return the expectation of equally likely outcomes, (draws, steps)."""
    outcomes = np.clip(outcomes, 0.0, highest)
    return Expected(outcomes.mean(axis=0), np.quantile(outcomes, LEVELS, axis=0), highest)


def number(channel: ChannelFacts, name: str, default: float | None = None) -> float | None:
    """Return a parameter of the device as a number; the default where it is not told."""
    value = channel.device.get(name)
    return default if value is None or isinstance(value, str) else float(value)


def _calibrated(measured: Series, expected: Expected) -> Calibration:
    both = np.isfinite(measured) & np.isfinite(expected.mean)
    told, seen = expected.mean[both], measured[both]
    power = float(told @ told)
    if not power:
        return Calibration()
    scale = float(np.clip(seen @ told / power, LEAST_SCALE, MOST_SCALE))
    low, high = expected.quantiles[0][both] * scale, expected.quantiles[-1][both] * scale
    meant = float(np.mean(high - low))
    # The middle 80 % of the errors should be as wide as the band of 80 % is on average.
    happened = float(np.diff(np.quantile(seen - scale * told, [0.1, 0.9]))[0])
    width = happened / meant if meant else 1.0
    return Calibration(scale, float(np.clip(width, LEAST_WIDTH, MOST_WIDTH)))


def _applied(expected: Expected, own: Calibration) -> tuple[Series, Series]:
    highest = expected.highest * max(own.scale, 1.0)
    mean = np.clip(expected.mean * own.scale, 0.0, highest)
    spread = (expected.quantiles - expected.mean) * own.scale * own.width
    return mean, np.clip(mean + spread, 0.0, highest)
