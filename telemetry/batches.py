"""Batches of readings on their way into the tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

QUARTER_HOUR_US = 900 * 1_000_000


@dataclass(frozen=True, eq=False)
class ReadingBatch:
    """Readings by column; times in microseconds since 1970."""

    channels: Whole
    times_us: Whole
    values: Values
    received_us: Whole

    @classmethod
    def of(
        cls, channels: Sequence[int], times_us: Sequence[int], values: Sequence[float], received_us: Sequence[int]
    ) -> "ReadingBatch":
        """Return the batch of these columns, which are equally long."""
        whole = [np.array(column, dtype=np.int64) for column in (channels, times_us, received_us)]
        return cls(whole[0], whole[1], np.array(values, dtype=np.float64), whole[2])

    def __len__(self) -> int:
        return len(self.channels)

    def ordered(self) -> "ReadingBatch":
        """Return the readings by channel and time, each of these once: the first that came."""
        if not len(self):
            return self
        order = np.lexsort((self.times_us, self.channels))
        channels, times = self.channels[order], self.times_us[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (channels[1:] != channels[:-1]) | (times[1:] != times[:-1])
        return self.taken(order[first])

    def taken(self, rows: npt.NDArray[np.generic]) -> "ReadingBatch":
        """Return some of the readings."""
        return ReadingBatch(self.channels[rows], self.times_us[rows], self.values[rows], self.received_us[rows])


@dataclass(frozen=True, eq=False)
class Sums:
    """What readings add to the roll-ups, by column; one entry per channel and quarter-hour."""

    channels: Whole
    starts_us: Whole
    counts: Whole
    totals: Values
    lowest: Values
    highest: Values


def sums_of(batch: ReadingBatch) -> Sums:
    """Return what an ordered batch, which must not be empty, adds to the roll-ups."""
    starts = batch.times_us - batch.times_us % QUARTER_HOUR_US
    new = np.ones(len(batch), dtype=bool)
    new[1:] = (batch.channels[1:] != batch.channels[:-1]) | (starts[1:] != starts[:-1])
    firsts = np.flatnonzero(new)
    return Sums(
        channels=batch.channels[firsts],
        starts_us=starts[firsts],
        counts=np.diff(np.append(firsts, len(batch))),
        totals=np.add.reduceat(batch.values, firsts),
        lowest=np.minimum.reduceat(batch.values, firsts),
        highest=np.maximum.reduceat(batch.values, firsts),
    )


def latest_of(batch: ReadingBatch) -> ReadingBatch:
    """Return the last reading of each channel of an ordered batch, which must not be empty."""
    last = np.ones(len(batch), dtype=bool)
    last[:-1] = batch.channels[1:] != batch.channels[:-1]
    return batch.taken(last)
