"""Quantiles of errors, with unknown ones left out."""

import numpy as np
import numpy.typing as npt

from forecasting.engine.grid import Series
from forecasting.engine.protocol import LEVELS

CONSTANT_DAYS = 21


def quantiles_of(values: Series, levels: npt.ArrayLike = LEVELS) -> Series:
    """Return the quantiles of values (..., days, slots) over the days, (..., levels, slots); 0 where none is known.

    All slots at once, which is many times faster than asking numpy for each slice with its own gaps.
    """
    ordered = np.sort(values, axis=-2)
    known = (~np.isnan(ordered)).sum(axis=-2, keepdims=True)
    place = np.asarray(levels)[:, None] * np.maximum(known - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(known - 1, 0))
    if not values.shape[-2]:
        return np.zeros((*place.shape[:-1], values.shape[-1]))
    below, above = (np.take_along_axis(ordered, at, axis=-2) for at in (low, high))
    found: Series = np.where(known > 0, below + (place - low) * (above - below), 0.0)
    return found


def usual_range(past: Series) -> tuple[Series, Series]:
    """Return the lowest and the highest value to expect (channels, slots) after a table (channels, days, slots).

    That is the range of the channel; a slot that has long been constant, with its neighbours, stays so: a PV plant at
    night, a building that is closed.
    """
    low, high = (of(np.where(np.isnan(past), edge, past), axis=1) for of, edge in ((np.min, np.inf), (np.max, -np.inf)))
    lowest, highest = low.min(axis=1, keepdims=True), high.max(axis=1, keepdims=True)
    recent = past[:, -CONSTANT_DAYS:]
    around = np.concatenate([np.roll(recent, shift, axis=2) for shift in (-1, 0, 1)], axis=1)
    floor = np.min(np.where(np.isnan(around), np.inf, around), axis=1)
    ceiling = np.max(np.where(np.isnan(around), -np.inf, around), axis=1)
    constant = floor == ceiling
    return np.where(constant, floor, lowest), np.where(constant, floor, highest)
