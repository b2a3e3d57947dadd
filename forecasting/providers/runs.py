"""Single values with times, put together to series of equal steps."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from forecasting.engine.grid import Series

STEPS = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))


def in_a_row(times: Sequence[datetime], values: Sequence[float]) -> Iterator[tuple[datetime, timedelta, Series]]:
    """Yield start, step and values of each row without gap; values that are not-a-number are gaps.

    The step of a value is the distance to the next one; the last one of a row has that of its neighbour.

    Raises:
        ValueError: for times that do not rise, or another number of values.
    """
    if len(times) != len(values):
        raise ValueError(f"{len(values)} values beside {len(times)} times")
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise ValueError("the times do not rise")
    known = [index for index, value in enumerate(values) if np.isfinite(value)]
    begin = 0
    while begin < len(known):
        end, step = _row(times, known, begin)
        if step is not None:
            chosen = [values[index] for index in known[begin:end]]
            yield times[known[begin]], step, np.asarray(chosen, dtype=np.float64)
        begin = end


def _row(times: Sequence[datetime], known: Sequence[int], begin: int) -> tuple[int, timedelta | None]:
    """Return where a row ends, and its step; None for a value that stands alone, as nobody says how long it holds."""
    end, step = begin + 1, None
    while end < len(known):
        distance = times[known[end]] - times[known[end - 1]]
        if distance not in STEPS or (step is not None and distance != step):
            break
        step, end = distance, end + 1
    return end, step
