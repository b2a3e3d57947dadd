from datetime import timedelta

import numpy as np
import pytest

from forecasting.engine.quality import Flag, Quality, Rules, checked, without_duplicates

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
DAYS = 14


def sunny() -> np.ndarray:
    """Return two weeks of a PV plant, production below zero, no two days alike."""
    step = np.arange(DAYS * 96)
    sun = np.maximum(np.sin((step % 96 - 24) / 48 * np.pi), 0)
    return -5 * sun * (1 + 0.3 * np.sin(step / 37.0)) + 0.0


def load() -> np.ndarray:
    return np.asarray(1 + np.random.default_rng(1).random(DAYS * 96))


def look(values: np.ndarray, kind: str = "load", step: timedelta = QUARTER) -> Quality:
    return checked(values, step, Rules(kind=kind))


def found(quality: Quality) -> dict[str, int]:
    return {name: count for name, count in quality.found.items() if count}


@pytest.mark.parametrize(("values", "kind"), [(sunny(), "pv"), (load(), "load"), (np.zeros(960), "ev")])
def test_good_data_is_left_as_it_is(values: np.ndarray, kind: str) -> None:
    quality = look(values, kind)
    assert found(quality) == {}
    np.testing.assert_array_equal(quality.repaired, values)
    assert (quality.usable_share, quality.dead) == (1, False)


def test_a_short_gap_is_filled_and_a_long_one_is_not() -> None:
    values = load()
    values[100:104] = np.nan
    values[500:520] = np.nan
    quality = look(values)
    assert found(quality) == {"gap": 24}
    assert quality.filled == 4
    line = np.interp(range(100, 104), [99, 104], values[[99, 104]])
    np.testing.assert_allclose(quality.repaired[100:104], line)
    assert np.isnan(quality.repaired[500:520]).all()
    assert quality.usable == len(values) - 20


def test_gaps_at_the_ends_are_not_filled() -> None:
    values = load()
    values[:3] = values[-3:] = np.nan
    repaired = look(values).repaired
    assert np.isnan(repaired[:3]).all()
    assert np.isnan(repaired[-3:]).all()


def test_a_spike_is_flagged_and_bridged() -> None:
    values = load()
    values[300] = 500
    quality = look(values)
    assert found(quality) == {"spike": 1}
    assert quality.flags[300] == Flag.SPIKE
    assert 1 <= quality.repaired[300] <= 2


def test_a_kettle_is_no_spike() -> None:
    values = 0.2 + 0.05 * np.random.default_rng(2).random(DAYS * 96)
    values[::48] = 2.2
    assert found(look(values)) == {}


def test_a_stuck_sensor_keeps_its_first_value_only() -> None:
    values = load()
    values[400:440] = values[400]
    quality = look(values)
    assert found(quality) == {"stuck": 39}
    assert np.isfinite(quality.repaired[400])
    assert np.isnan(quality.repaired[401:440]).all()


def test_nights_without_sun_are_not_stuck_and_a_constant_channel_is_not_either() -> None:
    assert found(look(sunny(), "pv")) == {}
    assert found(look(np.full(960, 3.0))) == {}


def test_a_plant_that_consumes_is_wrong_and_its_standby_is_noise() -> None:
    values = sunny()
    values[200:206] = 3.0
    values[10] = 0.02
    quality = look(values, "pv")
    assert quality.found["wrong_sign"] == 6
    assert quality.repaired[10] == 0
    assert (quality.repaired[200:206] <= 0).all()


def test_an_hour_that_was_delivered_twice_is_flagged() -> None:
    values = load()
    values[404:408] = values[400:404]
    quality = look(values)
    assert found(quality) == {"repeated": 4}
    assert not np.array_equal(quality.repaired[404:408], values[400:404])


def test_a_channel_that_died_is_told_and_the_time_before_is_used() -> None:
    silent, frozen = load(), load()
    silent[-400:] = np.nan
    frozen[-400:] = frozen[-400]
    for values, dead in ((silent, 400), (frozen, 399)):
        quality = look(values)
        assert quality.dead
        assert quality.found["dead"] == dead
        assert quality.usable == len(values) - dead
    assert look(np.full(960, np.nan)).dead
    assert look(np.full(960, np.nan)).usable == 0


def test_an_empty_history_is_no_error() -> None:
    quality = look(np.array([]))
    assert (quality.steps, quality.usable_share) == (0, 0)


def test_the_rules_know_the_length_of_a_step() -> None:
    values = load()[:336]
    values[50:52] = np.nan
    values[90:93] = np.nan
    assert look(values, step=HOUR).filled == 2


def test_times_that_were_told_twice_become_one() -> None:
    times, values, cut = without_duplicates(np.array([0, 900, 900, 1800, 0]), np.array([1.0, 2.0, 4.0, np.nan, np.nan]))
    np.testing.assert_array_equal(times, [0, 900, 1800])
    np.testing.assert_array_equal(values, [1, 3, np.nan])
    assert cut == 2
