"""Rolling back-tests: at each origin a model sees what was known then, and the outcome tells how good it was."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.engine.grid import Series
from forecasting.engine.protocol import DAY, Batch, ChannelFacts, Fitted, ForecastError, Model, Prediction
from forecasting.engine.scores import Score, mean_score, score

Progress = Callable[[datetime], None]


@dataclass(frozen=True, eq=False)
class Record:
    """What was measured, (channels, steps) from an aware `start`, and inputs on the same steps, as forecast."""

    channels: Sequence[ChannelFacts]
    start: datetime
    step: timedelta
    values: Series
    inputs: Mapping[str, Series] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of steps."""
        return int(self.values.shape[1])

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return self.start + self.count * self.step

    def place(self, moment: datetime) -> int:
        """Return the number of the step that starts at a moment."""
        place, rest = divmod(moment - self.start, self.step)
        if rest:
            raise ForecastError(f"origin: {moment} is not a step of {self.step} from {self.start}.")
        return place

    def batch(self, origin: datetime, horizon: int, history_days: int | None = None) -> Batch:
        """Return what was known at the origin, of at most the last `history_days`."""
        place = self.place(origin)
        first = 0 if history_days is None else max(place - history_days * (DAY // self.step), 0)
        if not 0 < place <= self.count - horizon:
            raise ForecastError(f"origin: {origin} with {horizon} steps is not within {self.start} to {self.end}.")
        inputs = {name: values[:, first : place + horizon] for name, values in self.inputs.items()}
        return Batch(self.channels, origin, self.step, horizon, self.values[:, first:place], inputs)

    def outcome(self, origin: datetime, horizon: int) -> Series:
        """Return what was measured from the origin on."""
        place = self.place(origin)
        return self.values[:, place : place + horizon]


@dataclass(frozen=True, eq=False)
class Trial:
    """What one model forecast at each origin, what came, and the CPU seconds that it took."""

    model: str
    origins: Sequence[datetime]
    mean: list[Series]
    quantiles: list[Series]
    outcome: list[Series]
    fit_seconds: float
    fits: int
    predict_seconds: float
    fit_every_days: int

    @property
    def milliseconds_per_channel_day(self) -> float:
        """CPU to forecast one channel for one day, with the daily share of training."""
        channels = len(self.mean[0])
        training = self.fit_seconds / max(self.fits, 1) / self.fit_every_days
        return 1000 * (self.predict_seconds / len(self.origins) + training) / channels

    def score_of(self, channel: int, level: float | None = None) -> Score | None:
        """Return the score of one channel, by number."""
        mean, quantiles, outcome = (
            np.concatenate([each[channel] for each in values], axis=-1)
            for values in (self.mean, self.quantiles, self.outcome)
        )
        return score(mean, quantiles, outcome, level)

    def score(self, levels: Sequence[float] | None = None) -> Score | None:
        """Return the mean score of the channels that were forecast."""
        units: Iterable[float | None] = levels if levels is not None else [None] * len(self.mean[0])
        scores = [self.score_of(channel, unit) for channel, unit in enumerate(units)]
        found = [each for each in scores if each is not None]
        return mean_score(found) if found else None


def origins_of(record: Record, days: Iterable[date], at: time = time()) -> list[datetime]:
    """Return the moments at which runs are issued: a wall-clock time of days in the zone of the first channel."""
    zone = record.channels[0].zone
    return [datetime.combine(day, at, zone).astimezone(ZoneInfo("UTC")) for day in days]


def day_horizon(record: Record, origin: datetime) -> int:
    """Return the steps of the local day that begins at the origin: 23, 24 or 25 hours."""
    zone = record.channels[0].zone
    following = datetime.combine(origin.astimezone(zone).date() + DAY, origin.astimezone(zone).time(), zone)
    return int((following.timestamp() - origin.timestamp()) / record.step.total_seconds())


def rolling(
    record: Record,
    model: Model,
    origins: Sequence[datetime],
    *,
    history_days: int | None = None,
    fit_every_days: int | None = None,
    progress: Progress | None = None,
) -> Trial:
    """Return the trial of a model: trained anew when its training is older than it may be, then asked for each day."""
    every = timedelta(days=fit_every_days or model.fit_every_days)
    trial = _Running(record, model, history_days)
    fitted_at: datetime | None = None
    for origin in origins:
        if fitted_at is None or origin - fitted_at >= every:
            trial.fit(origin)
            fitted_at = origin
        trial.predict(origin)
        if progress:
            progress(origin)
    return trial.result(origins, every.days)


class _Running:
    """A trial that is under way."""

    def __init__(self, record: Record, model: Model, history_days: int | None) -> None:
        self.record, self.model, self.history_days = record, model, history_days
        self.found: list[Prediction] = []
        self.outcome: list[Series] = []
        self.fit_seconds = self.predict_seconds = 0.0
        self.fits = 0
        self.fitted: Fitted

    def batch(self, origin: datetime) -> Batch:
        return self.record.batch(origin, day_horizon(self.record, origin), self.history_days)

    def fit(self, origin: datetime) -> None:
        batch, began = self.batch(origin), process_time()
        self.fitted = self.model.fit(batch)
        self.fit_seconds += process_time() - began
        self.fits += 1

    def predict(self, origin: datetime) -> None:
        batch, began = self.batch(origin), process_time()
        self.found.append(self.fitted.predict(batch))
        self.predict_seconds += process_time() - began
        self.outcome.append(self.record.outcome(origin, batch.horizon))

    def result(self, origins: Sequence[datetime], every: int) -> Trial:
        return Trial(
            model=self.model.name,
            origins=origins,
            mean=[each.mean for each in self.found],
            quantiles=[each.quantiles for each in self.found],
            outcome=self.outcome,
            fit_seconds=self.fit_seconds,
            fits=self.fits,
            predict_seconds=self.predict_seconds,
            fit_every_days=every,
        )
