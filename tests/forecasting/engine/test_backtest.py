from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from forecasting.engine.backtest import Record, day_horizon, origins_of, rolling
from forecasting.engine.choice import choose, filled_in, suitable
from forecasting.engine.protocol import TEMPERATURE, ForecastError
from forecasting.engine.scores import Score
from tests.forecasting.engine.batches import HOUR, STATISTICAL, batch_of, forecast

START = datetime(2026, 1, 31, 23, tzinfo=UTC)


def record_of(days: int = 60, **changes: object) -> Record:
    batch = batch_of(days=days)
    inputs = {TEMPERATURE: batch.inputs[TEMPERATURE][:, : batch.steps_known]}
    return replace(Record(batch.channels, START, HOUR, batch.history, inputs), **changes)


def days(first: int, count: int) -> list[date]:
    return [date(2026, 3, first) + timedelta(days=number) for number in range(count)]


@pytest.mark.parametrize("name", ["yesterday", "climatology", "ridge"])
def test_nothing_after_the_origin_changes_a_forecast(name: str) -> None:
    """Only the inputs of the steps that are forecast may matter; what lies beyond the horizon may not."""
    record = record_of()
    origins = origins_of(record, days(20, 2))
    later = record.place(origins[-1])
    values, temperature = record.values.copy(), record.inputs[TEMPERATURE].copy()
    values[:, later:] = np.roll(values, 5, axis=1)[:, later:] * 50
    temperature[:, later + 24 :] = 99.0
    changed = record_of(values=values, inputs={TEMPERATURE: temperature})
    found, same = (rolling(each, STATISTICAL[name], origins) for each in (record, changed))
    for one, other in zip(found.quantiles, same.quantiles, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_outcome_is_what_follows_the_origin() -> None:
    record = record_of()
    trial = rolling(record, STATISTICAL["yesterday"], origins_of(record, days(10, 1)))
    place = (datetime(2026, 3, 9, 23, tzinfo=UTC) - START) // HOUR
    np.testing.assert_array_equal(trial.outcome[0], record.values[:, place : place + 24])
    np.testing.assert_allclose(trial.mean[0], record.values[:, place - 24 : place])


def test_local_days_of_the_clock_changes_have_23_and_25_hours() -> None:
    record = record_of(days=300)
    spring, plain, autumn = origins_of(record, [date(2026, 3, 29), date(2026, 5, 1), date(2026, 10, 25)])
    assert [day_horizon(record, origin) for origin in (spring, plain, autumn)] == [23, 24, 25]


def test_a_model_is_trained_as_rarely_as_it_says() -> None:
    record = record_of()
    trial = rolling(record, STATISTICAL["ridge"], origins_of(record, days(10, 8)), fit_every_days=7)
    assert (trial.fits, trial.fit_every_days, len(trial.origins)) == (2, 7, 8)
    assert trial.milliseconds_per_channel_day > 0


def test_a_trial_scores_its_channels_and_their_mean() -> None:
    record = record_of()
    origins = origins_of(record, days(12, 4))
    naive, ridge = (rolling(record, STATISTICAL[name], origins).score() for name in ("yesterday", "ridge"))
    assert isinstance(naive, Score)
    assert isinstance(ridge, Score)
    assert naive.steps == ridge.steps == 2 * 96
    assert ridge.skill_percent(naive) > 10


@pytest.mark.parametrize("origin", [START, START + timedelta(days=60)])
def test_an_origin_outside_the_record_is_refused(origin: datetime) -> None:
    with pytest.raises(ForecastError, match=r"origin: .* is not within"):
        record_of().batch(origin, 24)


@pytest.mark.parametrize(
    ("history_days", "names"),
    [(0.5, []), (3, ["yesterday"]), (10, ["climatology", "yesterday"]), (40, ["ridge", "climatology", "yesterday"])],
)
def test_short_histories_fall_back(history_days: float, names: list[str]) -> None:
    needing = [model.name for model in suitable("load", history_days) if model.minimum_history_days]
    assert needing == names


def test_a_year_of_history_asks_for_the_blend() -> None:
    assert [model.name for model in suitable("price", 365)][:3] == ["blend", "ridge", "climatology"]


def test_the_best_model_is_chosen_for_each_channel() -> None:
    """A channel that repeats each week exactly is for last week; one that follows the temperature is for the ridge."""
    record = record_of()
    values = record.values.copy()
    weekly = np.random.default_rng(5).uniform(0, 9, 7 * 24)
    values[0] = np.resize(weekly, values.shape[1])
    models = [STATISTICAL[name] for name in ("ridge", "last_week")]
    chosen = choose(record_of(values=values), models, origins_of(record, days(20, 3)))
    assert chosen == {"channel 0": "last_week", "channel 1": "ridge"}


def test_choosing_among_no_models_is_refused() -> None:
    with pytest.raises(ForecastError, match="models: none given"):
        choose(record_of(), [], [])


def test_a_chain_fills_each_channel_from_the_first_model_that_knows_it() -> None:
    batch = batch_of()
    history = batch.history.copy()
    history[1, : -10 * 24] = np.nan
    batch = replace(batch, history=history)
    chain = [(name, forecast(STATISTICAL[name], batch)) for name in ("ridge", "climatology")]
    found, names = filled_in(chain, batch)
    assert names == ["ridge", "climatology"]
    assert found.known.all()
