"""Readings into the tables, by the few statements that are quickest on each database.

A reading whose channel and time are stored already changes nothing: only new ones count in the roll-ups and in the
channels' last values, so that a batch may be written again at any time. Quarter-hours that changed are marked, for sums
that are kept.
"""

from typing import Any

import numpy as np
import psycopg
from django.db import connections, router
from psycopg.adapt import Dumper
from psycopg.pq import Format

from telemetry.batches import ReadingBatch, Values, Whole, latest_of, sums_of
from telemetry.models import Channel, Reading
from telemetry.models.moments import moment_of

# One writer at a time: no deadlocks between batches that touch the same channels in another order.
ONE_WRITER = 0x666C6578
TO_2000_US = 946_684_800 * 1_000_000
INT8, INT8_ARRAY, FLOAT8, FLOAT8_ARRAY = 20, 1016, 701, 1022
TIMESTAMPTZ, TIMESTAMPTZ_ARRAY = 1184, 1185

POSTGRESQL = b"""
WITH given AS (
    SELECT * FROM unnest(%b, %b, %b, %b) AS g(channel_id, time, value, received_at)
), stored AS (
    INSERT INTO telemetry_reading (channel_id, time, value, received_at) SELECT * FROM given
    ON CONFLICT DO NOTHING RETURNING channel_id, time, value
), summed AS (
    INSERT INTO telemetry_rollup AS r (channel_id, start, count, total, lowest, highest)
    SELECT channel_id, date_bin('15 minutes', time, '1970-01-01 00:00+00'), count(*), sum(value), min(value), max(value)
    FROM stored GROUP BY 1, 2
    ON CONFLICT (channel_id, start) DO UPDATE SET count = r.count + excluded.count, total = r.total + excluded.total,
        lowest = least(r.lowest, excluded.lowest), highest = greatest(r.highest, excluded.highest)
    RETURNING channel_id, start
), marked AS (
    INSERT INTO telemetry_quartermark AS m (organization_id, start, number)
    SELECT DISTINCT c.organization_id, s.start, 1 FROM summed s JOIN telemetry_channel c ON c.id = s.channel_id
    ON CONFLICT (organization_id, start) DO UPDATE SET number = m.number + 1
), latest AS (
    SELECT DISTINCT ON (channel_id) channel_id, time, value FROM stored ORDER BY channel_id, time DESC
), told AS (
    UPDATE telemetry_channel c SET last_value = l.value, last_at = l.time FROM latest l
    WHERE c.id = l.channel_id AND (c.last_at IS NULL OR c.last_at < l.time)
)
SELECT count(*) FROM stored
"""
KNOWN = """
SELECT g.key FROM json_each(%s) g
JOIN telemetry_reading r ON r.channel_id = g.value ->> 0 AND r.time = g.value ->> 1
"""
STORE = "INSERT INTO telemetry_reading (channel_id, time, value, received_at) VALUES (%s, %s, %s, %s)"
SUM = """
INSERT INTO telemetry_rollup (channel_id, start, count, total, lowest, highest) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (channel_id, start) DO UPDATE SET count = count + excluded.count, total = total + excluded.total,
    lowest = min(lowest, excluded.lowest), highest = max(highest, excluded.highest)
"""
MARK = """
INSERT INTO telemetry_quartermark (organization_id, start, number)
SELECT DISTINCT c.organization_id, g.value ->> 1, 1 FROM json_each(%s) g
JOIN telemetry_channel c ON c.id = g.value ->> 0 WHERE true
ON CONFLICT (organization_id, start) DO UPDATE SET number = number + 1
"""
TELL = "UPDATE telemetry_channel SET last_value = %s, last_at = %s WHERE id = %s AND (last_at IS NULL OR last_at < %s)"


def write(batch: ReadingBatch) -> int:
    """Store what is new of an ordered batch inside the caller's transaction; return how many readings that are."""
    if not len(batch):
        return 0
    connection: Any = connections[router.db_for_write(Reading)]
    return _to_postgresql(connection, batch) if connection.vendor == "postgresql" else _to_sqlite(connection, batch)


def _to_postgresql(connection: Any, batch: ReadingBatch) -> int:
    columns = (
        _Packed(batch.channels, INT8, INT8_ARRAY),
        _Packed(batch.times_us - TO_2000_US, TIMESTAMPTZ, TIMESTAMPTZ_ARRAY),
        _Packed(batch.values, FLOAT8, FLOAT8_ARRAY),
        _Packed(batch.received_us - TO_2000_US, TIMESTAMPTZ, TIMESTAMPTZ_ARRAY),
    )
    connection.ensure_connection()
    # Django's own cursor would write the arrays into the statement as text.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.adapters.register_dumper(_Packed, _PackedDumper)
        cursor.execute(f"SELECT pg_advisory_xact_lock({ONE_WRITER})")
        row = cursor.execute(POSTGRESQL, columns, prepare=True).fetchone()
    return int(row[0]) if row else 0


def _to_sqlite(connection: Any, batch: ReadingBatch) -> int:
    with connection.cursor() as cursor:
        pairs = np.stack([batch.channels, batch.times_us], axis=1)
        cursor.execute(KNOWN, [_json(pairs)])
        known = [row[0] for row in cursor.fetchall()]
        new = batch.taken(np.delete(np.arange(len(batch)), known)) if known else batch
        if not len(new):
            return 0
        columns = (new.channels, new.times_us, new.values, new.received_us)
        cursor.executemany(STORE, list(zip(*(column.tolist() for column in columns), strict=True)))
        sums = sums_of(new)
        parts = (sums.channels, sums.starts_us, sums.counts, sums.totals, sums.lowest, sums.highest)
        cursor.executemany(SUM, list(zip(*(part.tolist() for part in parts), strict=True)))
        cursor.execute(MARK, [_json(np.stack([sums.channels, sums.starts_us], axis=1))])
        cursor.executemany(TELL, _told(connection, latest_of(new)))
    return len(new)


def _told(connection: Any, latest: ReadingBatch) -> list[tuple[Any, ...]]:
    stored_as = Channel._meta.get_field("last_at")
    rows = zip(latest.channels.tolist(), latest.times_us.tolist(), latest.values.tolist(), strict=True)
    found = []
    for channel, time_us, value in rows:
        moment = stored_as.get_db_prep_value(moment_of(time_us), connection)
        found.append((value, moment, channel, moment))
    return found


def _json(pairs: Whole) -> str:
    return str(pairs.tolist())


class _Packed:
    """A column as PostgreSQL's binary array, made at once: element by element would cost more than the write."""

    def __init__(self, column: Whole | Values, element: int, array: int) -> None:
        layout = ">f8" if element == FLOAT8 else ">i8"
        cells = np.empty(len(column), dtype=[("length", ">i4"), ("value", layout)])
        cells["length"], cells["value"] = 8, column
        # One dimension, no nulls, the element's type, its length, and the number of the first.
        self.content = np.array([1, 0, element, len(column), 1], dtype=">i4").tobytes() + cells.tobytes()
        self.array = array


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Packed) -> bytes:
        return obj.content

    def get_key(self, obj: _Packed, format: Any) -> Any:  # noqa: A002
        return (self.cls, obj.array)

    def upgrade(self, obj: _Packed, format: Any) -> "_PackedDumper":  # noqa: A002
        found = type(self)(self.cls)
        found.oid = obj.array
        return found
