"""Roll-ups of many channels from PostgreSQL, a block of bytes each: a quarter of the time that rows would take."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from telemetry.models.moments import microseconds

STATEMENT = """SELECT channel_id, string_agg(timestamptz_send(start) || float8send(total) || int4send(count), ''::bytea)
FROM telemetry_rollup WHERE channel_id = ANY(%s) AND start >= %s AND start < %s GROUP BY channel_id"""
# As PostgreSQL sends a row: times in microseconds since the year 2000, the highest byte first.
SENT = np.dtype([("start", ">i8"), ("total", ">f8"), ("count", ">i4")])
HISTORY = np.dtype([("channel", "i8"), ("start_us", "f8"), ("total", "f8"), ("count", "f8")])
YEAR_2000_US = microseconds(datetime(2000, 1, 1, tzinfo=UTC))


def rollup_blocks(cursor: Any, channels: Sequence[int], start: datetime, end: datetime) -> npt.NDArray[np.void]:
    """Return the roll-ups of channels from a time to a time as `HISTORY`, in no order; one query."""
    cursor.execute(STATEMENT, [list(channels), start, end])
    return np.concatenate([np.empty(0, dtype=HISTORY), *_of_channels(cursor)])


def _of_channels(cursor: Any) -> Iterator[npt.NDArray[np.void]]:
    for channel, block in cursor:
        sent = np.frombuffer(block, dtype=SENT)
        found = np.empty(len(sent), dtype=HISTORY)
        found["channel"], found["start_us"] = channel, sent["start"] + YEAR_2000_US
        found["total"], found["count"] = sent["total"], sent["count"]
        yield found
