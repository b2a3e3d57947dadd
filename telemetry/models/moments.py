"""Times in tables of many rows: a timestamp on PostgreSQL, microseconds since 1970 as a number on SQLite."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970 to an aware time."""
    return (moment - EPOCH) // MICROSECOND


def moment_of(number: int) -> datetime:
    """Return the time, in UTC, that is so many microseconds after 1970."""
    return EPOCH + number * MICROSECOND


class MomentField(models.DateTimeField):
    """An aware time in eight bytes on every database; SQLite would keep 26 characters of text."""

    def get_internal_type(self) -> str:
        """Return a name of its own, so that no backend converts the values in its way."""
        return "MomentField"

    def db_type(self, connection: Any) -> str:
        """Return the column's type."""
        return "integer" if connection.vendor == "sqlite" else "timestamp with time zone"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Return what the database stores."""
        moment = value if prepared else self.get_prep_value(value)
        if connection.vendor == "sqlite" and isinstance(moment, datetime):
            return microseconds(moment)
        return moment

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> datetime | None:
        """Return the time in UTC."""
        return moment_of(value) if isinstance(value, int) else value
