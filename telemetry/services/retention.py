"""What is thrown away in time: single readings and refused messages; quarter-hours stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connections, router, transaction

from flexplatform.accounts.models import Organization
from telemetry.models import DeadLetter, Reading, Retention
from telemetry.models.moments import MomentField
from telemetry.services.partitions import drop_partitions, make_partitions

# Small enough that a device's next message never waits long for SQLite's only writer.
DELETED_AT_ONCE = 20_000
OLD_READINGS = """
DELETE FROM telemetry_reading WHERE (channel_id, time) IN (
    SELECT r.channel_id, r.time FROM telemetry_reading r JOIN telemetry_channel c ON c.id = r.channel_id
    WHERE c.organization_id = %s AND r.time < %s LIMIT %s)
"""


@dataclass(frozen=True)
class Tended:
    """What was made and thrown away."""

    made: list[date]
    dropped: list[date]
    readings: int
    letters: int


@dataclass(frozen=True)
class Limits:
    """From which days an organization keeps things; None stands for messages that name no organization."""

    organization: int | None
    readings: date
    letters: date


def tend_readings(*, now: datetime) -> Tended:
    """Make partitions ahead, and throw away of all organizations what is older than they keep it.

    Needs to see every organization's rows.
    """
    today = now.astimezone(UTC).date()
    limits = list(_limits(today))
    made = make_partitions(today=today)
    dropped = drop_partitions(before=min(each.readings for each in limits))
    readings = sum(_delete_readings(each) for each in limits)
    letters = sum(_delete_letters(each) for each in limits)
    return Tended(made, dropped, readings, letters)


def _limits(today: date) -> Iterator[Limits]:
    usual = (settings.TELEMETRY_READING_DAYS, settings.TELEMETRY_LETTER_DAYS)
    own = {row.organization_id: row for row in Retention.objects.all()}
    for organization in [None, *Organization.objects.values_list("pk", flat=True)]:
        row = own.get(organization) if organization else None
        days = (row.reading_days or usual[0], row.letter_days or usual[1]) if row else usual
        yield Limits(organization, *(today - timedelta(days=each) for each in days))


def _delete_readings(limits: Limits) -> int:
    if limits.organization is None:
        return 0
    connection: Any = connections[router.db_for_write(Reading)]
    moment: MomentField = Reading._meta.get_field("time")
    before = moment.get_db_prep_value(_start(limits.readings), connection)
    deleted = 0
    while True:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(OLD_READINGS, [limits.organization, before, DELETED_AT_ONCE])
            deleted += cursor.rowcount
            if cursor.rowcount < DELETED_AT_ONCE:
                return deleted


def _delete_letters(limits: Limits) -> int:
    old = DeadLetter.objects.filter(organization=limits.organization, last_at__lt=_start(limits.letters))
    deleted = 0
    while found := list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        deleted += DeadLetter.objects.filter(pk__in=found).delete()[0]
    return deleted


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
