"""Is a history fit to learn from? Rules that flag what cannot be, and a repaired series.

Gaps, spikes, stuck sensors, production where there is none, hours that were delivered twice, and channels that died. A
short gap is filled from its neighbours; a longer one stays not-a-number, and so stays out of training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntFlag

import numpy as np
import numpy.typing as npt

from forecasting.engine.grid import Series

Mask = npt.NDArray[np.bool_]


class Flag(IntFlag):
    """What is wrong with a step; a step may have several."""

    GAP = 1
    SPIKE = 2
    STUCK = 4
    WRONG_SIGN = 8
    REPEATED = 16
    DEAD = 32


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When something is wrong. `kind` is one of `protocol.KINDS`.

    A spike is further from the median of its surroundings than `spike_factor` times what steps usually differ from it.
    A sensor is stuck that tells exactly the same for `stuck_after`, zero not counted where zero is usual. A channel is
    dead that has told nothing, or nothing but one value, for `dead_after` until the end.
    """

    kind: str
    longest_filled: timedelta = timedelta(hours=2)
    spike_factor: float = 12.0
    spike_window: int = 7
    stuck_after: timedelta = timedelta(hours=6)
    dead_after: timedelta = timedelta(days=3)
    # Below this share of the largest usual value a wrong sign is noise of the meter.
    noise_share: float = 0.01

    @property
    def zero_is_usual(self) -> bool:
        """Whether a long row of zeros is no sign of a stuck sensor."""
        return self.kind != "price"

    @property
    def sign(self) -> float:
        """The sign that values of the kind have: -1 for production, 1 for demand, 0 for either."""
        return {"pv": -1.0, "wind": -1.0, "heat": 1.0, "ev": 0.0}.get(self.kind, 0.0)


@dataclass(frozen=True, eq=False)
class Quality:
    """The flags of each step (`Flag`), the repaired series, and what was found in numbers."""

    flags: npt.NDArray[np.int64]
    repaired: Series
    steps: int
    filled: int
    usable: int
    dead: bool
    found: Mapping[str, int] = field(default_factory=dict)

    @property
    def usable_share(self) -> float:
        """The share of steps that a model may learn from, 0 to 1."""
        return self.usable / self.steps if self.steps else 0.0


def checked(values: Series, step: timedelta, rules: Rules) -> Quality:
    """Return what is wrong with a history, in the house unit and sign, and the series without it."""
    flags = np.zeros(len(values), dtype=np.int64)
    known = np.isfinite(values)
    flags[~known] |= Flag.GAP
    flags[_spikes(values, rules)] |= Flag.SPIKE
    flags[_stuck(values, _count(rules.stuck_after, step), rules)] |= Flag.STUCK
    flags[_repeated_hours(values, _count(timedelta(hours=1), step))] |= Flag.REPEATED
    wrong, noise = _wrong_sign(values, rules)
    flags[wrong] |= Flag.WRONG_SIGN
    dead = _dead_from(values, _count(rules.dead_after, step), rules)
    flags[dead:] |= Flag.DEAD
    clean = np.where(noise, 0.0, values)
    repaired, filled = _filled(np.where(flags == 0, clean, np.nan), _count(rules.longest_filled, step), dead)
    found = {str(flag.name).lower(): int(np.count_nonzero(flags & flag)) for flag in Flag}
    usable = int(np.isfinite(repaired).sum())
    return Quality(flags, repaired, len(values), filled, usable, dead < len(values), found)


def without_duplicates(
    times: Sequence[npt.NDArray[np.int64]] | npt.NDArray[np.int64], values: Series
) -> tuple[npt.NDArray[np.int64], Series, int]:
    """Return times (seconds) and values in order, each time once with the mean of what was told; and how many were cut.

    For files and feeds that tell the hour twice in which clocks are put back, or whole days twice.
    """
    moments = np.asarray(times, dtype=np.int64)
    unique, place = np.unique(moments, return_inverse=True)
    known = np.isfinite(values)
    total = np.bincount(place, np.where(known, values, 0.0), minlength=len(unique))
    count = np.bincount(place, known, minlength=len(unique))
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return unique, mean, len(moments) - len(unique)


def _count(length: timedelta, step: timedelta) -> int:
    return max(round(length / step), 1)


def _spikes(values: Series, rules: Rules) -> Mask:
    """Return steps that stand alone: far from the median around them, and so from usual differences to it."""
    none = np.zeros(len(values), dtype=bool)
    if np.isfinite(values).sum() < 4 * rules.spike_window:
        return none
    half = rules.spike_window // 2
    padded = np.pad(values, half, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, rules.spike_window)
    known = np.isfinite(around).any(axis=1)
    centre = np.full(len(values), np.nan)
    centre[known] = np.nanmedian(around[known], axis=1)
    away = np.abs(values - centre)
    usual = float(np.nanquantile(away, 0.99))
    # The size of the series counts too: a calm night must not make a kettle a spike.
    size = float(np.nanquantile(np.abs(values), 0.99))
    limit = max(rules.spike_factor * usual, 2 * size) if usual else 2 * size
    return np.nan_to_num(away, nan=0.0) > limit if limit else none


def _stuck(values: Series, least: int, rules: Rules) -> Mask:
    mask = np.zeros(len(values), dtype=bool)
    if _is_constant(values):
        return mask
    rows = _rows_of_equal(values)
    for begin, end in rows[rows[:, 1] - rows[:, 0] >= least].tolist():
        usual = values[begin] == 0 and rules.zero_is_usual
        if not usual:
            # The first value was measured; those after it only repeat it.
            mask[begin + 1 : end] = True
    return mask


def _repeated_hours(values: Series, per_hour: int) -> Mask:
    """Return hours that tell just what the hour before told, step by step."""
    mask = np.zeros(len(values), dtype=bool)
    if per_hour < 2:
        return mask
    hours = values[: len(values) // per_hour * per_hour].reshape(-1, per_hour)
    differs = (hours != hours[:, :1]).any(axis=1) & np.isfinite(hours).all(axis=1)
    same = np.concatenate([[False], (hours[1:] == hours[:-1]).all(axis=1)]) if len(hours) else differs
    mask[: len(hours) * per_hour] = np.repeat(same & differs, per_hour)
    return mask


def _wrong_sign(values: Series, rules: Rules) -> tuple[Mask, Mask]:
    """Return steps of the wrong sign that are more than noise, and those that are noise around zero."""
    nothing = np.zeros(len(values), dtype=bool)
    if not rules.sign or not np.isfinite(values).any():
        return nothing, nothing
    against = np.nan_to_num(rules.sign * values, nan=0.0) < 0
    limit = rules.noise_share * float(np.nanquantile(np.abs(values), 0.99))
    large = against & (np.abs(np.nan_to_num(values)) > limit)
    return large, against & ~large


def _dead_from(values: Series, least: int, rules: Rules) -> int:
    """Return the step from which the channel is dead; the length of the history where it is alive."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return 0
    last = int(known[-1])
    if len(values) - 1 - last >= least:
        return last + 1
    rows = _rows_of_equal(values[: last + 1])
    begin, end = rows[-1].tolist()
    still = end - begin >= least and not _is_constant(values) and not (values[begin] == 0 and rules.zero_is_usual)
    return begin + 1 if still else len(values)


def _is_constant(values: Series) -> bool:
    """Return whether a whole history is one value, which is then its nature and no fault."""
    known = values[np.isfinite(values)]
    return bool(len(known)) and bool((known == known[0]).all())


def _rows_of_equal(values: Series) -> npt.NDArray[np.int64]:
    """Return begin and end (rows, 2) of each row of equal known values."""
    if not len(values):
        return np.zeros((0, 2), dtype=np.int64)
    edges = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1], [True]]))
    known = np.isfinite(values[edges[:-1]])
    return np.stack([edges[:-1][known], edges[1:][known]], axis=1)


def _filled(values: Series, most: int, until: int) -> tuple[Series, int]:
    """Return the series with gaps of at most `most` steps filled in a straight line, up to `until`; and how many."""
    known = np.flatnonzero(np.isfinite(values))
    found, filled = values.copy(), 0
    between = np.diff(known) - 1
    for place in np.flatnonzero((between > 0) & (between <= most)).tolist():
        before, after = int(known[place]), int(known[place + 1])
        missing = after - before - 1
        if after < until:
            share = np.arange(1, missing + 1) / (missing + 1)
            found[before + 1 : after] = values[before] + share * (values[after] - values[before])
            filled += missing
    return found, filled
