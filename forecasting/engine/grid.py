"""Series on equal steps: brought to other steps, and laid over each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import gcd
from typing import Protocol

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]
ONE_SECOND = timedelta(seconds=1)


class GridLike(Protocol):
    """Equal steps from a start: any horizon."""

    @property
    def start(self) -> datetime:
        """Start of the first step."""

    @property
    def step(self) -> timedelta:
        """Length of a step."""

    @property
    def count(self) -> int:
        """Number of steps."""


@dataclass(frozen=True)
class Grid:
    """`count` steps of equal length from `start`."""

    start: datetime
    step: timedelta
    count: int

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return end_of(self)


@dataclass(frozen=True, eq=False)
class Piece:
    """What one delivery says: `rows` has a line per kind of value (mean, quantiles), a column per step."""

    key: int
    start: datetime
    step: timedelta
    rows: Series


def end_of(grid: GridLike) -> datetime:
    """Return the end of the last step."""
    return grid.start + grid.count * grid.step


def fitted(piece: Piece, grid: GridLike) -> Series:
    """Return a piece on the steps of `grid`; not-a-number where it does not cover a whole step.

    A longer step's value holds for each step within it; values of shorter steps are averaged.
    """
    rows, step, wanted = piece.rows, _seconds(piece.step), _seconds(grid.step)
    offset = _seconds(grid.start - piece.start)
    part = gcd(step, wanted, offset)
    first, last = offset // step, -(-(offset + wanted * grid.count) // step)
    used = rows[:, max(first, 0) : max(last, 0)]
    fine = np.repeat(used, step // part, axis=1) if step > part else used
    laid = np.full((rows.shape[0], wanted * grid.count // part), np.nan)
    shift = (max(first, 0) * step - offset) // part
    begin, end = max(shift, 0), min(shift + fine.shape[1], laid.shape[1])
    if begin < end:
        laid[:, begin:end] = fine[:, begin - shift : end - shift]
    values: Series = laid.reshape(rows.shape[0], grid.count, wanted // part).mean(axis=2)
    return values


def stitched(pieces: Iterable[Piece], grid: GridLike, lines: int) -> tuple[Series, npt.NDArray[np.int64]]:
    """Return `lines` rows of values on `grid`, each step from the last piece that covers it, and that piece's key.

    Where no piece covers a step its values are not-a-number and its key is 0. The first row decides what is covered.
    """
    values = np.full((lines, grid.count), np.nan)
    keys = np.zeros(grid.count, dtype=np.int64)
    for piece in pieces:
        found = fitted(piece, grid)
        covered = ~np.isnan(found[0])
        values[:, covered] = np.nan
        values[: found.shape[0], covered] = found[:, covered]
        keys[covered] = piece.key
    return values, keys


def _seconds(length: timedelta) -> int:
    whole, rest = divmod(length, ONE_SECOND)
    if rest:
        raise ValueError(f"{length} is no whole number of seconds.")
    return whole
