"""Days of readings on PostgreSQL: a partition for each, made ahead; what came before it is moved there.

Dropping a day takes milliseconds, where deleting it takes minutes. Every change takes the writers' lock, so that no
batch is written beside it.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connections, router, transaction

from telemetry.models import Reading
from telemetry.writers import ONE_WRITER

DAYS_AHEAD = 7
# A day of the past that came late gets a partition where that many readings of it wait; fewer stay in the default one.
WORTH_A_PARTITION = 10_000
MOST_MOVED_DAYS = 60
DAY = timedelta(days=1)
NAME = re.compile(r"telemetry_reading_p(\d{8})")
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'telemetry_reading'::regclass"
WAITING = """
SELECT date_bin('1 day', time, '1970-01-01 00:00+00'), count(*) FROM telemetry_reading_default
WHERE time < %s GROUP BY 1 HAVING count(*) >= %s ORDER BY 1 DESC LIMIT %s
"""
MOVE = """
WITH moved AS (DELETE FROM telemetry_reading_default WHERE time >= %s AND time < %s RETURNING *)
INSERT INTO {name} SELECT channel_id, time, value, received_at FROM moved
"""


def make_partitions(*, today: date, worth: int = WORTH_A_PARTITION) -> list[date]:
    """Make the partitions of today and the coming week, and of earlier days that wait; return the days."""
    connection = _postgresql()
    if connection is None:
        return []
    there = set(partition_days())
    wanted = [today + index * DAY for index in range(DAYS_AHEAD + 1)]
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [_start(today), worth, MOST_MOVED_DAYS])
        wanted += [moment.astimezone(UTC).date() for moment, _ in cursor.fetchall()]
    made = [day for day in wanted if day not in there]
    for day in made:
        _make(connection, day)
    return made


def drop_partitions(*, before: date) -> list[date]:
    """Drop the partitions of days before a day; return them."""
    connection = _postgresql()
    if connection is None:
        return []
    dropped = [day for day in partition_days() if day < before]
    for day in dropped:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            _lock(cursor)
            cursor.execute(f"DROP TABLE {_name(day)}")
    return dropped


def partition_days() -> list[date]:
    """Return the days that have a partition of their own, oldest first."""
    connection = _postgresql()
    if connection is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        names = [NAME.fullmatch(name) for (name,) in cursor.fetchall()]
    return sorted(datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).date() for found in names if found)


def _make(connection: Any, day: date) -> None:
    name, limits = _name(day), [_start(day), _start(day + DAY)]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        _lock(cursor)
        cursor.execute(f"CREATE TABLE {name} (LIKE telemetry_reading INCLUDING ALL)")
        cursor.execute(MOVE.format(name=name), limits)
        cursor.execute(f"ALTER TABLE telemetry_reading ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", limits)


def _lock(cursor: Any) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_WRITER])


def _name(day: date) -> str:
    return f"telemetry_reading_p{day:%Y%m%d}"


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _postgresql() -> Any:
    """Return the connection of the readings where it is PostgreSQL."""
    connection: Any = connections[router.db_for_write(Reading)]
    return connection if connection.vendor == "postgresql" else None
