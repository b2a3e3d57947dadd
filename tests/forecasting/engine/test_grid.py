from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from forecasting.engine.grid import Grid, Piece, fitted, stitched

START = datetime(2026, 11, 22, tzinfo=UTC)
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def piece(values: list[float], start: datetime = START, step: timedelta = QUARTER, key: int = 1) -> Piece:
    return Piece(key, start, step, np.array([values], dtype=np.float64))


def test_equal_steps_are_taken_as_they_are() -> None:
    grid = Grid(START + QUARTER, QUARTER, 3)
    np.testing.assert_array_equal(fitted(piece([1, 2, 3, 4, 5]), grid), [[2, 3, 4]])


def test_a_longer_step_holds_within_itself() -> None:
    grid = Grid(START + 2 * QUARTER, QUARTER, 4)
    np.testing.assert_array_equal(fitted(piece([1, 2], step=HOUR), grid), [[1, 1, 2, 2]])


def test_shorter_steps_are_averaged_and_only_whole_ones_count() -> None:
    grid = Grid(START - HOUR, HOUR, 4)
    np.testing.assert_array_equal(fitted(piece([1, 2, 3, 6, 5, 5]), grid), [[np.nan, 3, np.nan, np.nan]])


@pytest.mark.parametrize("offset", [timedelta(minutes=minutes) for minutes in range(0, 60, 5)])
@pytest.mark.parametrize("step", [timedelta(minutes=5), timedelta(minutes=20), HOUR])
def test_energy_is_kept_whatever_the_steps(offset: timedelta, step: timedelta) -> None:
    values = np.random.default_rng(1).uniform(size=48)
    fine = np.repeat(values, 3)
    grid = Grid(START + offset, step, 4)
    first, each = offset // timedelta(minutes=5), step // timedelta(minutes=5)
    expected = fine[first : first + 4 * each].reshape(4, each).mean(axis=1)
    np.testing.assert_allclose(fitted(Piece(1, START, QUARTER, values[np.newaxis]), grid)[0], expected)


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_piece_beside_the_grid_says_nothing(hours: int) -> None:
    assert np.isnan(fitted(piece([1, 2], START + hours * HOUR), Grid(START, QUARTER, 4))).all()


def test_each_step_comes_from_the_last_piece_that_covers_it() -> None:
    pieces = [piece([1, 1, 1], key=7), piece([2, 2], START + QUARTER, key=8)]
    values, keys = stitched(pieces, Grid(START, QUARTER, 4), 1)
    np.testing.assert_array_equal(values, [[1, 2, 2, np.nan]])
    assert keys.tolist() == [7, 8, 8, 0]


def test_quantiles_never_outlive_the_mean_that_they_belong_to() -> None:
    with_band = Piece(1, START, QUARTER, np.array([[1, 1], [0, 0]], dtype=np.float64))
    values, _ = stitched([with_band, piece([5], key=2)], Grid(START, QUARTER, 2), 2)
    np.testing.assert_array_equal(values, [[5, 1], [np.nan, 0]])


def test_part_of_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of seconds"):
        fitted(piece([1]), Grid(START + timedelta(milliseconds=1), QUARTER, 1))
