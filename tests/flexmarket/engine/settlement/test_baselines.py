"""Baselines by hand-made days: eight steps of an hour, called in the sixth and seventh."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from flexmarket.engine.baselines import BASELINES, BaselineError, Evidence, accuracy
from flexmarket.engine.baselines.calendar import is_working

STEPS = 8


def evidence(levels: list[float], **changes: Any) -> Evidence:
    """Return days of constant power at these levels, newest first, all of them working days."""
    days = np.repeat(np.array(levels, dtype=float)[:, None], STEPS, axis=1)
    given: dict[str, Any] = {
        "today_kw": np.full(STEPS, np.nan),
        "days_kw": days,
        "day_is_working": np.ones(len(levels), dtype=bool),
        "day_is_usable": np.ones(len(levels), dtype=bool),
        "is_working": True,
        "first": 5,
        "count": 2,
        "step_hours": 1.0,
        **changes,
    }
    return Evidence(**given)


def made(name: str, given: Evidence) -> list[float]:
    return [float(value) for value in BASELINES[name].baseline(given)]


def test_every_method_says_where_it_comes_from() -> None:
    assert all(method.source and name == method.name for name, method in BASELINES.items())


def test_high_5_of_10_takes_the_highest_of_the_last_ten_alike() -> None:
    levels = [1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0, 0.0, 100.0]
    assert made("high_5_of_10", evidence(levels)) == [7.0, 7.0]
    usable = np.array([True, False] + [True] * 9)
    expected = np.mean([100.0, 8.0, 7.0, 6.0, 5.0])
    assert made("high_5_of_10", evidence(levels, day_is_usable=usable)) == [expected, expected]


def test_the_day_itself_moves_it_by_the_three_hours_that_end_an_hour_before() -> None:
    today = np.array([0.0, 12.0, 12.0, 12.0, 50.0, np.nan, np.nan, np.nan])
    assert made("high_5_of_10", evidence([10.0] * 5, today_kw=today)) == [12.0, 12.0]


def test_days_off_are_compared_with_days_off() -> None:
    working = np.array([True] * 5 + [False] * 5)
    levels = [10.0] * 5 + [2.0] * 5
    assert made("high_5_of_10", evidence(levels, day_is_working=working, is_working=False)) == [2.0, 2.0]
    assert made("rolling_5_days", evidence(levels, day_is_working=working, is_working=False)) == [10.0, 10.0]


def test_the_rolling_mean_leaves_out_days_that_were_not_measured() -> None:
    given = evidence([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    given.days_kw[0, 6] = np.nan
    assert made("rolling_5_days", given) == [4.0, 4.0]


def test_the_meter_before_and_after_is_a_straight_line() -> None:
    today = np.array([0.0, 0, 0, 0, 3.0, 99.0, 99.0, 9.0])
    assert made("meter_before_after", evidence([], days_kw=np.empty((0, STEPS)), today_kw=today)) == [5.0, 7.0]


def test_plan_and_forecast_are_what_was_promised() -> None:
    series = np.arange(STEPS, dtype=float)
    assert made("schedule", evidence([1.0], plan_kw=series)) == [5.0, 6.0]
    assert made("forecast", evidence([1.0], forecast_kw=series)) == [5.0, 6.0]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("high_5_of_10", evidence([1.0] * 4), "Only 4 measured working days"),
        ("rolling_5_days", evidence([1.0] * 4), "5 are needed"),
        ("schedule", evidence([1.0]), "no plan"),
        ("forecast", evidence([1.0], forecast_kw=np.full(STEPS, np.nan)), "No forecast"),
        ("meter_before_after", evidence([1.0]), "before the call was not measured"),
    ],
)
def test_too_little_evidence_is_said(name: str, given: Evidence, said: str) -> None:
    with pytest.raises(BaselineError, match=said):
        BASELINES[name].baseline(given)


def test_accuracy_is_bias_and_error_on_days_without_a_call() -> None:
    days = [evidence([10.0] * 5, today_kw=np.full(STEPS, level)) for level in (8.0, 14.0)]
    found = accuracy(BASELINES["rolling_5_days"], days)
    assert found is not None
    assert (found.bias_kw, found.mean_absolute_error_kw, found.days) == (-1.0, 3.0, 2)
    assert accuracy(BASELINES["schedule"], days) is None


@pytest.mark.parametrize(
    ("day", "country", "working"),
    [
        (date(2026, 5, 1), "DE", False),
        (date(2026, 5, 1), "NL", True),
        (date(2026, 4, 27), "NL", False),
        (date(2026, 4, 27), "DE", True),
        (date(2026, 5, 2), "", False),
        (date(2026, 5, 1), "", True),
        (date(2026, 5, 1), "ZZ", True),
    ],
)
def test_a_public_holiday_of_the_country_is_no_working_day(day: date, country: str, working: bool) -> None:
    assert is_working(day, country) is working
