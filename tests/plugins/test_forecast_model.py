"""A forecast model that the tree does not know forecasts a channel, is chosen by back-test, and is stored."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest

from forecasting.engine.backtest import origins_of
from forecasting.engine.choice import choose
from forecasting.engine.models import MODELS, model_named
from forecasting.engine.protocol import LEVELS, Batch, Prediction
from forecasting.models import ChannelForecast, ForecastRun
from tests.conftest import People
from tests.forecasting.engine.test_backtest import record_of
from tests.forecasting.own import clock, home, in_a, nightly

__all__ = ["clock", "in_a"]


@dataclass(frozen=True)
class MeanOfWeek:
    """The mean of the same slot over the last week, with a spread of ten percent."""

    name: str = "mean_of_week"
    version: str = "1"
    kinds: frozenset[str] = frozenset({"load"})
    minimum_history_days: float = 7
    fit_every_days: int = 1

    def fit(self, batch: Batch) -> "MeanOfWeek":
        """Return itself: there is nothing to train."""
        del batch
        return self

    def predict(self, batch: Batch) -> Prediction:
        """Return the forecast of every channel."""
        day = batch.steps_per_day
        week = batch.history[:, -7 * day :].reshape(len(batch.channels), 7, day)
        mean = np.tile(np.nanmean(week, axis=1), batch.horizon // day + 1)[:, : batch.horizon]
        spread = (np.array(LEVELS) - 0.5) / 5
        return Prediction(mean, mean[:, None] + abs(mean[:, None]) * spread[:, None])


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "mean_of_week", MeanOfWeek())  # type: ignore[arg-type]


def test_a_back_test_chooses_it_where_it_is_best() -> None:
    record = record_of()
    origins = origins_of(record, [date(2026, 3, 20) + timedelta(days=number) for number in range(3)])
    chosen = choose(record, [MODELS["yesterday"], model_named("mean_of_week")], origins)
    assert set(chosen.values()) == {"mean_of_week"}


@pytest.mark.usefixtures("in_a")
def test_a_channel_is_forecast_by_it(people: People) -> None:
    _, channel = home(people.a, 10)
    ChannelForecast.objects.create(organization=people.a, channel=channel, forced_model="mean_of_week")
    job = nightly(people.a)
    assert job.result["forecasts"] == 1, job.error
    run = ForecastRun.objects.get()
    assert (run.channel, run.model, run.version) == (channel, "mean_of_week", "1")
