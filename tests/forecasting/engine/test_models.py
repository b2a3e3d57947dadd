from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from forecasting.engine.models import model_named
from forecasting.engine.protocol import TEMPERATURE, Batch, ChannelFacts, ForecastError, Model
from tests.forecasting.engine.batches import HOUR, ORIGIN, STATISTICAL, batch_of, forecast

every_model = pytest.mark.parametrize("model", STATISTICAL.values(), ids=STATISTICAL)
trained_models = pytest.mark.parametrize("model", [STATISTICAL["ridge"], STATISTICAL["blend"]], ids=["ridge", "blend"])


@every_model
def test_quantiles_never_cross_and_every_step_is_forecast(model: Model) -> None:
    found = forecast(model, batch_of())
    assert found.known.all()
    assert (np.diff(found.quantiles, axis=1) >= 0).all()


@every_model
@pytest.mark.parametrize("kind", ["load", "price"])
def test_scaling_a_series_scales_its_forecast(model: Model, kind: str) -> None:
    batch = batch_of(kind)
    found, scaled = forecast(model, batch), forecast(model, replace(batch, history=batch.history * 1000))
    np.testing.assert_allclose(scaled.mean, 1000 * found.mean, rtol=0.01)
    np.testing.assert_allclose(scaled.quantiles, 1000 * found.quantiles, rtol=0.02, atol=20)


@every_model
@pytest.mark.parametrize("value", [7.25, 0.0, -3.0])
def test_a_constant_is_forecast_as_that_constant(model: Model, value: float) -> None:
    batch = batch_of()
    found = forecast(model, replace(batch, history=np.full_like(batch.history, value)))
    np.testing.assert_allclose(found.mean, value, atol=1e-6)
    np.testing.assert_allclose(found.quantiles, value, atol=1e-6)


@every_model
def test_a_missing_week_is_survived(model: Model) -> None:
    whole = batch_of()
    history = whole.history.copy()
    history[0, -7 * 24 :] = np.nan
    history[1, -30 * 24 : -23 * 24] = np.nan
    if model.name == "yesterday":
        history[0, -10 * 24 : -7 * 24] = whole.history[0, -10 * 24 : -7 * 24]
    found, usual = forecast(model, replace(whole, history=history)), forecast(model, whole)
    assert found.known.all()
    assert np.abs(found.mean - usual.mean).mean() < 1.5


@every_model
def test_a_channel_that_was_never_measured_is_unknown_and_harms_no_other(model: Model) -> None:
    batch = batch_of()
    history = batch.history.copy()
    history[1] = np.nan
    found = forecast(model, replace(batch, history=history))
    assert found.known.tolist() == [True, False]
    assert np.isnan(found.quantiles[1]).all()


@every_model
def test_pv_is_zero_at_night(model: Model) -> None:
    batch = batch_of("pv")
    local_hour = np.arange(batch.steps_known) % 24
    sun = np.maximum(np.sin((local_hour - 6) / 12 * np.pi), 0) * ((local_hour > 6) & (local_hour < 18))
    production = -sun * np.random.default_rng(1).uniform(0.2, 1, (2, batch.steps_known))
    found = forecast(model, replace(batch, history=production))
    night = np.r_[0:6, 19:24]
    assert (found.mean[:, night] == 0).all()
    assert (found.quantiles[:, :, night] == 0).all()
    assert (found.mean[:, 12] < -0.2).all()


@every_model
def test_a_short_history_is_left_to_others(model: Model) -> None:
    days = int(model.minimum_history_days) - 1
    short = batch_of(days=90)
    history = short.history.copy()
    history[0, : -max(days * 24, 1)] = np.nan
    assert forecast(model, replace(short, history=history)).known.tolist() == [False, True]


@trained_models
def test_no_forecast_sees_the_outcome(model: Model) -> None:
    """A batch cut out of a longer one forecasts the same whatever came later."""
    longer = batch_of(days=72)
    garbled = replace(longer, history=longer.history.copy(), inputs={TEMPERATURE: longer.inputs[TEMPERATURE].copy()})
    garbled.history[:, -48:] = 1e6
    garbled.inputs[TEMPERATURE][:, -48:] = -60.0
    then, other = longer.before(48), garbled.before(48)
    found, same = forecast(model, then), forecast(model, other)
    np.testing.assert_array_equal(found.mean, same.mean)
    np.testing.assert_array_equal(found.quantiles, same.quantiles)


@trained_models
def test_a_cold_day_ahead_raises_the_forecast(model: Model) -> None:
    batch = batch_of()
    cold = batch.inputs[TEMPERATURE].copy()
    cold[:, -24:] -= 8
    colder = forecast(model, replace(batch, inputs={TEMPERATURE: cold}))
    assert (colder.mean.mean(axis=1) > forecast(model, batch).mean.mean(axis=1) + 0.5).all()


@trained_models
def test_it_is_better_than_the_naive_forecast(model: Model) -> None:
    batch = batch_of(days=72)
    then, outcome = batch.before(24), batch.history[:, -24:]
    errors = {each: np.abs(forecast(STATISTICAL[each], then).mean - outcome).mean() for each in ("yesterday",)}
    assert np.abs(forecast(model, then).mean - outcome).mean() < 0.7 * errors["yesterday"]


@trained_models
def test_an_afternoon_run_reaches_into_the_day_after_tomorrow(model: Model) -> None:
    batch = batch_of(origin=ORIGIN + timedelta(hours=15), horizon=33)
    found = forecast(model, batch)
    assert found.mean.shape == (2, 33)
    assert found.known.all()


@every_model
@pytest.mark.parametrize(
    ("origin", "hours"),
    [(datetime(2026, 3, 28, 23, tzinfo=UTC), 23), (datetime(2026, 10, 24, 22, tzinfo=UTC), 25)],
    ids=["spring", "autumn"],
)
def test_slots_stay_on_the_wall_clock_when_clocks_change(model: Model, origin: datetime, hours: int) -> None:
    """The load stands at 7 in the morning; the day of the change has 23 or 25 hours."""
    batch = _at_seven(origin, hours)
    found = forecast(model, batch)
    local = [(origin + hour * HOUR).astimezone(batch.channels[0].zone).hour for hour in range(hours)]
    assert local[int(np.argmax(found.mean[0]))] == 7
    assert found.mean.shape == (1, hours)


@pytest.mark.parametrize("name", ["yesterday", "climatology", "ridge"])
def test_the_week_after_the_change_is_on_the_wall_clock_too(name: str) -> None:
    batch = _at_seven(datetime(2026, 3, 31, 22, tzinfo=UTC), 24)
    assert int(np.argmax(forecast(STATISTICAL[name], batch).mean[0])) == 7


def test_a_public_holiday_is_like_a_sunday() -> None:
    """Christmas Day 2026 is a Friday: climatology takes its Sundays in Germany, its weekdays elsewhere."""
    batch = batch_of(days=56, origin=datetime(2026, 12, 23, 23, tzinfo=UTC), horizon=48)
    day = [
        (batch.origin - (batch.steps_known - step) * HOUR).astimezone(batch.channels[0].zone).weekday()
        for step in range(batch.steps_known)
    ]
    history = np.tile(np.where(np.asarray(day) == 6, 1.0, 5.0), (2, 1))
    german, nowhere = batch.channels[0], replace(batch.channels[1], country="")
    found = forecast(STATISTICAL["climatology"], replace(batch, channels=[german, nowhere], history=history))
    assert found.mean[0].tolist() == [5.0] * 24 + [1.0] * 24
    assert found.mean[1].tolist() == [5.0] * 48


def test_a_trained_model_serves_channels_it_has_not_seen() -> None:
    batch, other = batch_of(), batch_of(seed=9)
    renamed = replace(other, channels=[replace(each, name=f"new {each.name}") for each in other.channels])
    for name in ("boosting", "blend"):
        assert STATISTICAL[name].fit(batch).predict(renamed).known.all()


def test_an_unknown_model_is_named_with_those_that_exist() -> None:
    with pytest.raises(ForecastError, match=r"model: 'oracle' is none of yesterday, .*blend"):
        model_named("oracle")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"origin": datetime(2026, 1, 1)}, "origin: .* has no time zone"),
        ({"horizon": 0}, "horizon: 0 steps"),
        ({"step": timedelta(minutes=7)}, "step: 0:07:00 does not divide a day"),
        ({"history": np.zeros((3, 10))}, r"history: shape \(3, 10\); \(2 channels, steps\)"),
        ({"inputs": {"x": np.zeros((2, 5))}}, r"inputs: 'x' has shape \(2, 5\); \(2, 1704\)"),
    ],
)
def test_a_batch_that_does_not_fit_names_the_field(change: dict[str, object], message: str) -> None:
    with pytest.raises(ForecastError, match=message):
        replace(batch_of(), **change)


def test_a_kind_that_no_model_knows_is_refused() -> None:
    with pytest.raises(ForecastError, match="kind: 'water' of channel 'a' is none of load, pv"):
        ChannelFacts("a", "water")


def _at_seven(origin: datetime, horizon: int) -> Batch:
    count = 80 * 24
    facts = ChannelFacts("a", "load", "Europe/Berlin", "DE")
    hours = [(origin - (count - step) * HOUR).astimezone(facts.zone).hour for step in range(count)]
    noise = np.random.default_rng(2).normal(0, 0.05, (1, count))
    return Batch([facts], origin, HOUR, horizon, np.where(np.asarray(hours) == 7, 9.0, 1.0)[None] + noise)
