"""Series of one value per step, checked once and then read-only."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from optimization.engine.errors import ProblemError

Series = npt.NDArray[np.float64]
SeriesLike = Series | Sequence[float] | float


def as_series(values: SeriesLike, field: str, *, minimum: float | None = None, maximum: float | None = None) -> Series:
    """Return `values` as a read-only float64 array.

    Raises:
        ProblemError: names the step of the first value that is not finite or outside `minimum`..`maximum`.
    """
    try:
        series = np.atleast_1d(np.array(values, dtype=np.float64))
    except (TypeError, ValueError):
        raise ProblemError(field, repr(values), "numbers, one per step") from None
    if series.ndim > 1:
        raise ProblemError(field, f"an array of shape {series.shape}", "numbers, one per step")
    allowed = "a finite number"
    bad = ~np.isfinite(series)
    if minimum is not None:
        bad |= series < minimum
        allowed += f" of at least {minimum:g}"
    if maximum is not None:
        bad |= series > maximum
        allowed += f" and at most {maximum:g}"
    if bad.any():
        step = int(np.argmax(bad))
        raise ProblemError(f"{field}[{step}]", series[step], allowed)
    series.setflags(write=False)
    return series


def checked(values: SeriesLike) -> Series:
    """Return values that `as_series` has made into an array before."""
    return cast("Series", values)


def fit_to(series: Series, count: int, field: str) -> Series:
    """Return `series` with `count` values; a single value holds for every step.

    Raises:
        ProblemError: for any other length.
    """
    if len(series) == count:
        return series
    if len(series) == 1:
        return as_series(np.full(count, series[0]), field)
    raise ProblemError(field, f"{len(series)} values", f"{count} values, one per step")
