from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.engine.errors import TariffError
from assets.engine.tariff import (
    Component,
    Flat,
    Percent,
    Period,
    Spot,
    SpotPrices,
    TimeOfUse,
    parts_per_step,
    price_per_step,
)

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
SPRING, AUTUMN, NORMAL = date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 23)
HIGH = (Period(time(6), time(22), 0.30),)
NIGHT = Period(time(22), time(6), 0.20)
DAY_AND_NIGHT = TimeOfUse((*HIGH, NIGHT))


def steps_of(day: date, step: timedelta = QUARTER, zone: ZoneInfo = BERLIN) -> list[datetime]:
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return [start + index * step for index in range((end - start) // step)]


def prices(price: Flat | TimeOfUse | Spot, day: date, step: timedelta = QUARTER) -> np.ndarray:
    return price_per_step([Component("energy", price)], steps_of(day, step), step, BERLIN)


def day_ahead(values: list[float], step: timedelta = HOUR, day: date = NORMAL) -> SpotPrices:
    return SpotPrices(datetime.combine(day, time(), BERLIN).astimezone(UTC), step, np.array(values))


@pytest.mark.parametrize(("day", "count", "cheap"), [(NORMAL, 96, 8 * 4), (SPRING, 92, 7 * 4), (AUTUMN, 100, 9 * 4)])
def test_a_market_day_follows_the_local_clock(day: date, count: int, cheap: int) -> None:
    found = prices(DAY_AND_NIGHT, day)
    assert len(found) == count
    assert (found == 0.20).sum() == cheap
    assert (found == 0.30).sum() == 16 * 4
    assert found[-8:].tolist() == [0.20] * 8


@pytest.mark.parametrize(
    ("day", "at_two"), [(SPRING, [0.1] * 4 + [0.9] * 4), (AUTUMN, [0.5] * 8 + [0.9] * 4), (NORMAL, [0.5] * 4)]
)
def test_the_hour_of_the_clock_change_is_missing_or_comes_twice(day: date, at_two: list[float]) -> None:
    tariff = TimeOfUse((Period(time(0), time(2), 0.1), Period(time(2), time(3), 0.5), Period(time(3), time(0), 0.9)))
    found = prices(tariff, day).tolist()
    start = 4 if day == SPRING else 8
    assert found[start : start + len(at_two)] == at_two


@pytest.mark.parametrize("minutes", [1, 5, 10, 12, 15, 20, 30, 60])
def test_any_step_that_divides_the_hour_gets_the_same_mean_price(minutes: int) -> None:
    tariff = TimeOfUse((Period(time(6, 10), time(21, 50), 0.30), Period(time(21, 50), time(6, 10), 0.20)))
    found = prices(tariff, NORMAL, timedelta(minutes=minutes))
    assert len(found) == 24 * 60 // minutes
    expected = (0.30 * (15 * 60 + 40) + 0.20 * (8 * 60 + 20)) / (24 * 60)
    assert found.mean() == pytest.approx(expected, abs=1e-12)


def test_a_step_over_a_change_of_price_costs_the_mean_of_both() -> None:
    tariff = TimeOfUse((Period(time(6, 10), time(0), 0.30), Period(time(0), time(6, 10), 0.20)))
    assert prices(tariff, NORMAL, HOUR)[6] == pytest.approx((10 * 0.20 + 50 * 0.30) / 60)


def test_a_zone_beside_the_full_hour_is_read_by_its_own_clock() -> None:
    starts = steps_of(NORMAL, HOUR, ZoneInfo("UTC"))
    found = price_per_step([Component("energy", DAY_AND_NIGHT)], starts, HOUR, KOLKATA)
    np.testing.assert_allclose(found[[0, 1, 16, 17]], [0.25, 0.30, 0.25, 0.20])


def test_weekdays_have_prices_of_their_own_and_a_night_belongs_to_the_day_it_begins() -> None:
    weekend = (4, 5, 6)
    tariff = TimeOfUse(
        (
            Period(time(20), time(20), 0.1, weekdays=weekend),
            Period(time(20), time(20), 0.3, weekdays=(0, 1, 2, 3)),
        )
    )
    friday = prices(tariff, date(2026, 11, 27), HOUR)
    assert friday[:20].tolist() == [0.3] * 20
    assert friday[20:].tolist() == [0.1] * 4
    assert prices(tariff, date(2026, 11, 30), HOUR)[:21].tolist() == [0.1] * 20 + [0.3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeOfUse((NIGHT,)), "no price on Monday at 06:00"),
        (lambda: TimeOfUse(()), "no price on Monday at 00:00"),
        (lambda: TimeOfUse((*HIGH, NIGHT, Period(time(17), time(18), 1, (2,)))), "two prices on Wednesday at 17:00"),
        (lambda: Period(time(6, 0, 30), time(7), 1), "start is 06:00:30"),
        (lambda: Period(time(6), time(7), 1, ()), "weekdays is []"),
        (lambda: Period(time(6), time(7), 1, (7,)), r"weekdays is [7]"),
        (lambda: Flat(float("nan")), "price is nan"),
        (lambda: Percent(float("inf")), "percent is inf"),
        (lambda: day_ahead([0.1, float("nan")]), "values is a value that is no number"),
        (lambda: prices(Flat(1), NORMAL, timedelta(minutes=7)), "step is 0:07:00"),
        (lambda: prices(Flat(1), NORMAL, timedelta(milliseconds=500)), "step is 0:00:00.500000"),
        (
            lambda: price_per_step([], [datetime(2026, 1, 1)], HOUR, BERLIN),
            "allowed: times with a time zone",
        ),
        (
            lambda: price_per_step([Component("vat", Percent(1)), Component("vat", Flat(1))], [], HOUR, BERLIN),
            "two named vat",
        ),
    ],
)
def test_what_gives_no_price_or_two_is_refused_by_name(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TariffError) as refusal:
        make()
    assert message in str(refusal.value)
    assert "allowed: " in str(refusal.value)


@pytest.mark.parametrize(("day", "hours"), [(NORMAL, 24), (SPRING, 23), (AUTUMN, 25)])
def test_hourly_spot_prices_hold_for_their_quarter_hours(day: date, hours: int) -> None:
    hourly = [float(hour) for hour in range(hours)]
    found = prices(Spot("day-ahead", (day_ahead(hourly, day=day),)), day)
    assert found.tolist() == [value for value in hourly for _ in range(4)]


def test_quarter_hourly_spot_prices_are_averaged_over_the_hour() -> None:
    found = prices(Spot("day-ahead", (day_ahead([0.1, 0.2, 0.3, 0.4] * 24, QUARTER),)), NORMAL, HOUR)
    np.testing.assert_allclose(found, 0.25)


def test_what_was_received_later_replaces() -> None:
    correction = SpotPrices(steps_of(NORMAL)[8], HOUR, np.array([9.0]))
    found = prices(Spot("day-ahead", (day_ahead([1.0] * 24), correction)), NORMAL, HOUR)
    assert found.tolist() == [1.0, 1.0, 9.0, *[1.0] * 21]


def test_a_moment_without_spot_price_is_named_in_local_time() -> None:
    spot = Spot("day-ahead", (day_ahead([1.0] * 23),))
    with pytest.raises(TariffError, match=r"day-ahead is without a price at 2026-11-23 23:00 CET"):
        prices(spot, NORMAL)
    with pytest.raises(TariffError, match="00:00"):
        prices(Spot("day-ahead", ()), NORMAL)


def test_a_household_price_is_energy_fees_levies_and_tax() -> None:
    components = [
        Component("energy", Flat(0.10)),
        Component("grid_fee", DAY_AND_NIGHT),
        Component("levies", Flat(0.02)),
        Component("vat", Percent(19)),
    ]
    parts = parts_per_step(components, steps_of(NORMAL), QUARTER, BERLIN)
    assert list(parts) == ["energy", "grid_fee", "levies", "vat"]
    assert parts["vat"][0] == pytest.approx(0.19 * 0.32)
    assert price_per_step(components, steps_of(NORMAL), QUARTER, BERLIN)[0] == pytest.approx(1.19 * 0.32)


money = st.floats(-1, 1).map(lambda value: round(value, 6))
part = st.one_of(
    money.map(Flat),
    st.tuples(money, money, st.integers(1, 23)).map(
        lambda two: TimeOfUse((Period(time(0), time(two[2]), two[0]), Period(time(two[2]), time(0), two[1])))
    ),
    money.map(lambda value: Spot("spot", (SpotPrices(datetime(2026, 1, 1, tzinfo=UTC), HOUR, np.full(8800, value)),))),
    st.floats(0, 50).map(Percent),
)


@given(
    st.lists(part, max_size=6),
    st.dates(date(2026, 1, 2), date(2026, 12, 30)),
    st.sampled_from([5, 15, 30, 60]),
    st.sampled_from([BERLIN, KOLKATA, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_the_sum_of_the_parts_is_the_whole(
    drawn: list[Flat | TimeOfUse | Spot | Percent], day: date, minutes: int, zone: ZoneInfo
) -> None:
    step = timedelta(minutes=minutes)
    starts = steps_of(day, step, zone)
    components = [Component(f"part {number}", price) for number, price in enumerate(drawn)]
    whole = price_per_step(components, starts, step, zone)
    parts = parts_per_step(components, starts, step, zone)
    np.testing.assert_allclose(whole, np.sum([np.zeros(len(starts)), *parts.values()], axis=0), atol=1e-12)
    base = np.zeros(len(starts))
    for component in components:
        if isinstance(component.price, Percent):
            np.testing.assert_allclose(parts[component.name], base * component.price.percent / 100, atol=1e-12)
        base = base + parts[component.name]
