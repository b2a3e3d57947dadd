"""Powers of runs with other steps on a portfolio's quarter-hours."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from optimization.overview import add_power, nothing, stacked

START = datetime(2026, 11, 22, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("first", "step", "values", "expected"),
    [
        (START, QUARTER, [1, 2], [1, 2, np.nan, np.nan]),
        (START + QUARTER, QUARTER, [1], [np.nan, 1, np.nan, np.nan]),
        (START - QUARTER, QUARTER, [1, 2], [2, np.nan, np.nan, np.nan]),
        (START, 2 * QUARTER, [1, 2], [1, 1, 2, 2]),
        (START, QUARTER / 3, [1, 2, 3, 4, 5, 6], [2, 5, np.nan, np.nan]),
        (START + 9 * QUARTER, QUARTER, [1], [np.nan] * 4),
    ],
)
def test_steps_are_placed_by_their_time(
    first: datetime, step: timedelta, values: list[float], expected: list[float]
) -> None:
    total = nothing(4)
    add_power(total, START, first, step, np.array(values, dtype=float))
    np.testing.assert_allclose(total, expected)


def test_powers_add_up() -> None:
    total = nothing(2)
    for _ in range(2):
        add_power(total, START, START, QUARTER, np.array([1.0, -1.0]))
    assert total.tolist() == [2.0, -2.0]


def test_alike_series_become_one_array() -> None:
    rows = [("plan", START, 900, np.ones(2)), ("plan", START, 900, np.ones(2)), ("plan", START, 900, np.ones(3))]
    assert sorted(values.shape for _, _, _, values in stacked(rows)) == [(1, 3), (2, 2)]
