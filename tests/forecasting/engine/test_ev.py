from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecasting.engine.ev import (
    COMMUTER,
    EV,
    WEEKEND,
    WORKDAY,
    DayType,
    Session,
    day_type,
    learned,
    outlook,
    stays_in,
)
from forecasting.engine.grid import Grid
from forecasting.engine.protocol import Batch, ChannelFacts

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 11, 22, 23, tzinfo=UTC)
GRID = Grid(MONDAY, QUARTER, 96)
EVERY_EVENING = {name: DayType((Session(18.0, 13.0, 11.0),), 1.0) for name in (WORKDAY, WEEKEND)}


def test_days_have_their_type() -> None:
    assert [day_type(date(2026, 11, 20) + n * DAY) for n in range(3)] == [WORKDAY, WEEKEND, WEEKEND]


def test_a_car_that_comes_every_evening_is_certain() -> None:
    found = outlook(EVERY_EVENING, GRID, BERLIN)
    at_home = np.array([*[True] * 28, *[False] * 44, *[True] * 24])
    np.testing.assert_array_equal(found.connected, at_home)
    np.testing.assert_array_equal(found.connected_quantiles, np.tile(at_home, (9, 1)))
    np.testing.assert_array_equal(found.power_kw, [*[0] * 72, *[11] * 4, *[0] * 20])
    np.testing.assert_allclose(found.energy_kwh, 11)


@pytest.mark.parametrize("midnight", [datetime(2026, 3, 29, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)])
def test_the_evening_stays_the_evening_when_clocks_change(midnight: datetime) -> None:
    """The Mondays after the clocks were changed, from local midnight."""
    pattern = {name: DayType((Session(18.0, 1.0, 11.0),), 1.0) for name in (WORKDAY, WEEKEND)}
    monday = Grid(midnight, HOUR, 24)
    np.testing.assert_array_equal(np.flatnonzero(outlook(pattern, monday, BERLIN).power_kw), [18])


def test_a_car_that_comes_every_other_day_is_there_or_not() -> None:
    half = {name: DayType(each.sessions, 0.5) for name, each in EVERY_EVENING.items()}
    found = outlook(half, GRID, BERLIN)
    assert 0.4 < found.connected[80] < 0.6
    assert (found.connected_quantiles[0, 80], found.connected_quantiles[-1, 80]) == (0, 1)
    assert (found.energy_kwh[0], found.energy_kwh[-1]) == (0, 11)


def test_a_short_stay_charges_what_it_can() -> None:
    short = {name: DayType((Session(18.0, 0.5, 40.0),), 1.0) for name in (WORKDAY, WEEKEND)}
    np.testing.assert_allclose(outlook(short, GRID, BERLIN).energy_kwh, 5.5)


def test_sessions_are_found_in_the_history_of_power() -> None:
    power = np.zeros(96)
    power[72:80] = 7
    power[75] = 0
    power[90:92] = 3
    first, second = stays_in(power, GRID)
    assert first == (MONDAY + 18 * HOUR, MONDAY + 20 * HOUR, 12.25)
    assert second == (MONDAY + 22.5 * HOUR, MONDAY + 23 * HOUR, 1.5)
    assert stays_in(np.full(96, np.nan), GRID) == []


def test_a_pattern_is_learned_by_day_type_and_few_sessions_are_not_enough() -> None:
    days = [date(2026, 11, 2) + n * DAY for n in range(14)]
    stays = [
        (
            datetime(day.year, day.month, day.day, 9, tzinfo=BERLIN),
            datetime(day.year, day.month, day.day, 17, tzinfo=BERLIN),
            20.0,
        )
        for day in days
        if day.weekday() < 4
    ]
    pattern = learned(stays, BERLIN, days)
    assert pattern[WORKDAY].share_of_days == 0.8
    assert set(pattern[WORKDAY].sessions) == {Session(9.0, 8.0, 20.0)}
    assert pattern[WEEKEND] == COMMUTER[WEEKEND]


def batch(history: np.ndarray, **device: float | str) -> Batch:
    return Batch([ChannelFacts("car", "ev", "Europe/Berlin", device=device)], MONDAY, QUARTER, 96, history[np.newaxis])


def test_a_car_is_forecast_as_it_was_seen() -> None:
    day = np.zeros(96)
    day[40:48] = 4
    seen = batch(np.tile(day, 28), charge_power_kw=4.0)
    found = EV.fit(seen).predict(seen)
    assert found.mean[0].sum() / 4 == pytest.approx(8)
    np.testing.assert_array_equal(np.flatnonzero(found.mean[0]), range(40, 48))


def test_the_model_tells_power_or_presence() -> None:
    nothing = np.full(96, np.nan)
    power = EV.fit(batch(nothing)).predict(batch(nothing))
    presence = EV.fit(batch(nothing, quantity="connected")).predict(batch(nothing, quantity="connected"))
    assert power.mean.max() > 1
    assert 0.5 < presence.mean.max() <= 1
    assert (presence.quantiles <= 1).all()
    # Charging at once is over long before the car leaves.
    assert presence.mean[0, 20] > 0.4 > power.mean[0, 20]
