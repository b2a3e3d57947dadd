"""What a forecast model is given, what it returns, and what it must be able to do.

A batch holds many channels on one grid of equal steps in UTC. Its history ends where the forecast begins, at `origin`;
what was measured later is not in the batch, so no model can see it. Inputs (weather, other forecasts) also cover the
steps to forecast, as they were forecast when the run was issued.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from forecasting.engine.grid import Grid, Series

LEVELS = tuple(round(0.1 * number, 1) for number in range(1, 10))
KINDS = ("load", "pv", "wind", "heat", "ev", "price")
DAY = timedelta(days=1)

# Names of inputs that several models know; any other name is welcome and used by the statistical models.
TEMPERATURE = "temperature_c"
IRRADIANCE = "ghi_w_per_m2"
WIND_SPEED_10M = "wind_speed_10m_m_per_s"
WIND_SPEED_100M = "wind_speed_100m_m_per_s"


class ForecastError(ValueError):
    """A batch, a model or a setting that does not fit; the message names the field, the value and what is allowed."""


@dataclass(frozen=True)
class ChannelFacts:
    """What is known of a channel besides its readings. `device` has its parameters by name, with units in the name."""

    name: str
    kind: str
    time_zone: str = "UTC"
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    device: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a kind that no model knows."""
        if self.kind not in KINDS:
            raise ForecastError(f"kind: {self.kind!r} of channel {self.name!r} is none of {', '.join(KINDS)}.")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that its days are counted in."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, eq=False)
class Batch:
    """Channels to forecast over `horizon` steps from `origin`.

    `history` is (channels, steps before the origin) in the house unit and sign, not-a-number where nothing is known;
    its last column is the step that ends at the origin. Each of `inputs` is (channels, steps before the origin +
    horizon), not-a-number where unknown. The origin is aware; models look at local days of each channel's zone.
    """

    channels: Sequence[ChannelFacts]
    origin: datetime
    step: timedelta
    horizon: int
    history: Series
    inputs: Mapping[str, Series] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit each other."""
        if self.origin.tzinfo is None:
            raise ForecastError(f"origin: {self.origin} has no time zone.")
        if self.horizon < 1:
            raise ForecastError(f"horizon: {self.horizon} steps; at least 1 is needed.")
        if self.step <= timedelta(0) or DAY % self.step:
            raise ForecastError(f"step: {self.step} does not divide a day.")
        if self.history.ndim != 2 or len(self.history) != len(self.channels):
            shape = self.history.shape
            raise ForecastError(f"history: shape {shape}; ({len(self.channels)} channels, steps) is needed.")
        wanted = (len(self.channels), self.steps_known + self.horizon)
        for name, values in self.inputs.items():
            if values.shape != wanted:
                raise ForecastError(f"inputs: {name!r} has shape {values.shape}; {wanted} is needed.")

    @property
    def steps_known(self) -> int:
        """Steps of the history."""
        return int(self.history.shape[1])

    @property
    def steps_per_day(self) -> int:
        """Steps of a day of 24 hours."""
        return DAY // self.step

    @property
    def history_days(self) -> Series:
        """Days of 24 hours per channel from its first known value to the origin; 0 where nothing is known."""
        known = ~np.isnan(self.history)
        first = np.where(known.any(axis=1), known.argmax(axis=1), self.steps_known)
        return (self.steps_known - first) / self.steps_per_day

    @property
    def known_grid(self) -> Grid:
        """The steps of the history."""
        return Grid(self.origin - self.steps_known * self.step, self.step, self.steps_known)

    @property
    def grid(self) -> Grid:
        """The steps to forecast."""
        return Grid(self.origin, self.step, self.horizon)

    def with_history(self, days: float) -> list[int]:
        """Return the numbers of the channels with at least so many days of history."""
        return [int(row) for row in np.flatnonzero(self.history_days >= days)]

    def of(self, rows: Sequence[int]) -> "Batch":
        """Return the batch of some of its channels, by number."""
        chosen = list(rows)
        inputs = {name: values[chosen] for name, values in self.inputs.items()}
        channels = [self.channels[row] for row in chosen]
        return replace(self, channels=channels, history=self.history[chosen], inputs=inputs)

    def before(self, steps: int, horizon: int | None = None) -> "Batch":
        """Return the batch as it was `steps` earlier: what was measured since then is gone."""
        kept, length = self.steps_known - steps, horizon or self.horizon
        if kept < 1 or steps < 0 or length > steps + self.horizon:
            raise ForecastError(f"steps: {steps} back with a horizon of {length} is not within the batch.")
        return replace(
            self,
            origin=self.origin - steps * self.step,
            horizon=length,
            history=self.history[:, :kept],
            inputs={name: values[:, : kept + length] for name, values in self.inputs.items()},
        )


@dataclass(frozen=True, eq=False)
class Prediction:
    """The forecast of a batch, in the unit of the history.

    `mean` is (channels, steps), `quantiles` (channels, 9, steps) for `LEVELS`, never crossing; both are not-a-number
    throughout for a channel that the model cannot forecast.
    """

    mean: Series
    quantiles: Series

    @classmethod
    def empty(cls, channels: int, steps: int) -> "Prediction":
        """Return a prediction that knows nothing."""
        return cls(np.full((channels, steps), np.nan), np.full((channels, len(LEVELS), steps), np.nan))

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which channels have a forecast of every step."""
        known: npt.NDArray[np.bool_] = np.asarray(np.isfinite(self.mean).all(axis=1))
        return known


class Fitted(Protocol):
    """A model after training: small enough to be pickled, and used until it is trained anew."""

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel of the batch, also of channels that it was not trained on."""


class Model(Protocol):
    """A way to forecast. Registered once, it is chosen by name, by history and by back-test."""

    @property
    def name(self) -> str:
        """The name that a run is stored with."""

    @property
    def version(self) -> str:
        """Changes whenever the same batch would be forecast differently."""

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of channel that it can forecast, of `KINDS`."""

    @property
    def minimum_history_days(self) -> float:
        """Days of readings that a channel needs; 0 where the device's parameters suffice."""

    @property
    def fit_every_days(self) -> int:
        """Days that a fitted model serves before it is trained anew; 1 for those that train in milliseconds."""

    def fit(self, batch: Batch) -> Fitted:
        """Train on the history of one organization's channels of one kind."""


def crossing_free(mean: Series, quantiles: Series) -> Prediction:
    """Return a prediction whose quantiles are in order: (channels, 9, steps), sorted per step."""
    return Prediction(mean, np.sort(quantiles, axis=1))
