"""Reading back: raw readings, quarter-hours and longer steps, charts of few points, latest values, gaps."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from django.db import connections, router

from telemetry.batches import Whole
from telemetry.models import Channel, Reading, Rollup
from telemetry.models.channel import QUARTER_HOUR_SECONDS
from telemetry.models.moments import microseconds, moment_of
from telemetry.rollup_blocks import HISTORY, rollup_blocks

Series = npt.NDArray[np.float64]

SECOND_US = 1_000_000
MOST_RAW = 50_000
HOUR_SECONDS = 3600
FROM = """, count(*), sum(value), min(value), max(value) FROM telemetry_reading
WHERE channel_id = %(channel)s AND time >= %(first)s AND time < %(last)s GROUP BY 1 ORDER BY 1
"""
BUCKETS = {
    "postgresql": f"SELECT date_bin(%(bucket)s, time, %(first)s) {FROM}",
    "sqlite": f"SELECT time - (time - %(first)s) %% %(bucket)s {FROM}",
}
# A start in microseconds since 1970, and one of several channels.
ROLLUPS = {
    "postgresql": ("date_part('epoch', start) * 1000000", "= ANY(%s)"),
    "sqlite": ("start", "IN (SELECT value FROM json_each(%s))"),
}


@dataclass(frozen=True, eq=False)
class RawReadings:
    """Readings by column, oldest first; times in microseconds since 1970. `more`: there are more than these."""

    times_us: Whole
    values: Series
    received_us: Whole
    more: bool


@dataclass(frozen=True, eq=False)
class Summary:
    """The readings of a channel in equal steps: NaN where a step has none.

    `energy_kwh` is None for what is no power. `quality` is the share of the readings that were expected, at most 1.
    """

    start: datetime
    step_seconds: int
    count: Whole
    mean: Series
    lowest: Series
    highest: Series
    energy_kwh: Series | None
    quality: Series


@dataclass(frozen=True, eq=False)
class ChartPoints:
    """Few points that look like many: the mean, lowest and highest of each bucket that has readings."""

    times_us: Whole
    mean: Series
    lowest: Series
    highest: Series


@dataclass(frozen=True)
class Gap:
    """A time without readings."""

    start: datetime
    end: datetime


def raw_readings(
    channel: Channel, start: datetime, end: datetime, known_at: datetime | None = None, most: int = MOST_RAW
) -> RawReadings:
    """Return readings of `start` until before `end`, as they were known at a time; at most `most`, oldest first."""
    rows = Reading.objects.filter(channel=channel, time__gte=start, time__lt=end)
    if known_at is not None:
        rows = rows.filter(received_at__lte=known_at)
    found = list(rows.order_by("time").values_list("time", "value", "received_at")[: most + 1])
    shown = found[:most]
    return RawReadings(
        np.array([microseconds(time) for time, _, _ in shown], dtype=np.int64),
        np.array([value for _, value, _ in shown], dtype=np.float64),
        np.array([microseconds(received) for _, _, received in shown], dtype=np.int64),
        more=len(found) > most,
    )


def summary(channel: Channel, start: datetime, step_seconds: int, count: int) -> Summary:
    """Return `count` steps of whole quarter-hours, from the roll-ups."""
    end = start + timedelta(seconds=step_seconds * count)
    rows = _rollups([channel.pk], start, end)
    first_us, step_us = microseconds(start), step_seconds * SECOND_US
    sums = np.zeros((2, count))
    lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
    if len(rows):
        at = ((rows[:, 0] - first_us) // step_us).astype(np.int64)
        np.add.at(sums[0], at, rows[:, 1])
        np.add.at(sums[1], at, rows[:, 2])
        np.minimum.at(lowest, at, rows[:, 3])
        np.maximum.at(highest, at, rows[:, 4])
    counted, none = sums[0], sums[0] == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(none, np.nan, sums[1] / counted)
    expected = step_seconds / min(channel.resolution_seconds, step_seconds)
    return Summary(
        start=start,
        step_seconds=step_seconds,
        count=counted.astype(np.int64),
        mean=mean,
        lowest=np.where(none, np.nan, lowest),
        highest=np.where(none, np.nan, highest),
        energy_kwh=mean * (step_seconds / HOUR_SECONDS) if channel.unit == "kW" else None,
        quality=np.minimum(counted / expected, 1.0),
    )


def chart_points(channel: Channel, start: datetime, end: datetime, points: int) -> ChartPoints:
    """Return at most `points` buckets; from the roll-ups where a bucket is a quarter-hour or longer."""
    span_us = microseconds(end) - microseconds(start)
    bucket_us = max(-(-span_us // points), 1)
    if bucket_us >= QUARTER_HOUR_SECONDS * SECOND_US:
        rows = _rollups([channel.pk], start, end)
    else:
        rows = raw_buckets(channel, start, end, bucket_us)
    if not len(rows):
        empty = np.empty(0)
        return ChartPoints(np.empty(0, dtype=np.int64), empty, empty, empty)
    buckets = (rows[:, 0] - microseconds(start)) // bucket_us
    firsts = np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]])
    counts = np.add.reduceat(rows[:, 1], firsts)
    return ChartPoints(
        times_us=microseconds(start) + (buckets[firsts] * bucket_us).astype(np.int64),
        mean=np.add.reduceat(rows[:, 2], firsts) / counts,
        lowest=np.minimum.reduceat(rows[:, 3], firsts),
        highest=np.maximum.reduceat(rows[:, 4], firsts),
    )


def gaps(channel: Channel, start: datetime, end: datetime) -> list[Gap]:
    """Return the times of at least a quarter-hour without any reading, of `start` until before `end`."""
    step = timedelta(seconds=QUARTER_HOUR_SECONDS)
    first = moment_of(microseconds(start) // (QUARTER_HOUR_SECONDS * SECOND_US) * QUARTER_HOUR_SECONDS * SECOND_US)
    steps = -((first - end) // step)
    missing = np.flatnonzero(summary(channel, first, QUARTER_HOUR_SECONDS, steps).count == 0)
    found = []
    for run in np.split(missing, np.flatnonzero(np.diff(missing) != 1) + 1):
        if len(run):
            begin, finish = first + int(run[0]) * step, first + (int(run[-1]) + 1) * step
            found.append(Gap(max(begin, start), min(finish, end)))
    return found


def sums_of_quarters(channels: Sequence[int], start: datetime, count: int) -> Series:
    """Return the sum of the channels' means for each of `count` quarter-hours; NaN where none has a reading."""
    end = start + timedelta(seconds=QUARTER_HOUR_SECONDS * count)
    rows = _asked_of_rollups("%s, sum(total / count)", "GROUP BY start", channels, start, end)
    sums = np.full(count, np.nan)
    sums[((rows[:, 0] - microseconds(start)) // (QUARTER_HOUR_SECONDS * SECOND_US)).astype(np.int64)] = rows[:, 1]
    return sums


def means_of(channels: Sequence[int], start: datetime, step_seconds: int, count: int) -> Series:
    """Return the means (channels, steps) of `count` steps of whole quarter-hours, in the order of the ids; one query.

    Not-a-number where a step has no reading.
    """
    end = start + timedelta(seconds=step_seconds * count)
    rows = _history(channels, start, end)
    known = np.asarray(sorted(set(channels)), dtype=np.int64)
    steps = ((rows["start_us"] - microseconds(start)) // (step_seconds * SECOND_US)).astype(np.int64)
    at = np.searchsorted(known, rows["channel"]) * count + steps
    total, counted = (np.bincount(at, rows[name], minlength=len(known) * count) for name in ("total", "count"))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(counted > 0, total / counted, np.nan).reshape(len(known), count)
    found: Series = means[np.searchsorted(known, np.asarray(channels, dtype=np.int64))]
    return found


def _history(channels: Sequence[int], start: datetime, end: datetime) -> npt.NDArray[np.void]:
    """Return the roll-ups of channels as `HISTORY`, in no order."""
    database: Any = connections[router.db_for_read(Rollup)]
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            return rollup_blocks(cursor, channels, start, end)
    with _cursor_of_rollups("channel_id, %s, total, count", "", channels, start, end) as cursor:
        return np.fromiter(cursor, dtype=HISTORY)


def _rollups(channels: list[int], start: datetime, end: datetime) -> Series:
    """Return rows of (start in microseconds, count, total, lowest, highest), oldest first."""
    return _asked_of_rollups("%s, count, total, lowest, highest", "ORDER BY start", channels, start, end)


def _asked_of_rollups(columns: str, order: str, channels: Sequence[int], start: datetime, end: datetime) -> Series:
    """Return what a statement about roll-ups of channels answers; `%s` in `columns` is the start in microseconds."""
    with _cursor_of_rollups(columns, order, channels, start, end) as cursor:
        found = cursor.fetchall()
    return np.array(found, dtype=np.float64).reshape(len(found), columns.count(",") + 1)


@contextmanager
def _cursor_of_rollups(
    columns: str, order: str, channels: Sequence[int], start: datetime, end: datetime
) -> Iterator[Any]:
    """Run a statement about the roll-ups of channels; without Django's rows, which would take most of the time."""
    database: Any = connections[router.db_for_read(Rollup)]
    moment_us, given = ROLLUPS[database.vendor]
    moment = Rollup._meta.get_field("start")
    limits = [moment.get_db_prep_value(each, database) for each in (start, end)]
    wanted = list(channels) if database.vendor == "postgresql" else json.dumps(list(channels))
    with database.cursor() as cursor:
        cursor.execute(
            # Only the constants above and the columns of this file.
            f"SELECT {columns % moment_us} FROM telemetry_rollup WHERE channel_id {given} "  # noqa: S608
            f"AND start >= %s AND start < %s {order}",
            [wanted, *limits],
        )
        yield cursor


def raw_buckets(channel: Channel, start: datetime, end: datetime, bucket_us: int) -> Series:
    """Return rows as `_rollups` does, summed up by the database from readings."""
    database: Any = connections[router.db_for_read(Reading)]
    statement, lasting = BUCKETS[database.vendor], cast("Any", bucket_us)
    if database.vendor == "postgresql":
        lasting = timedelta(microseconds=bucket_us)
    moment = Reading._meta.get_field("time")
    first, last = (moment.get_db_prep_value(each, database) for each in (start, end))
    with database.cursor() as cursor:
        values = {"bucket": lasting, "first": first, "last": last, "channel": channel.pk}
        cursor.execute(statement, values)
        found = [(microseconds(time) if isinstance(time, datetime) else time, *rest) for time, *rest in cursor]
    return np.array(found, dtype=np.float64).reshape(len(found), 5)
