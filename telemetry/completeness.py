"""How complete readings are: the share of the expected ones per local day, from the roll-ups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Greatest, Least

from telemetry.models import Channel, Rollup
from telemetry.models.channel import QUARTER_HOUR_SECONDS

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayQuality:
    """A local day of a channel: how many readings were expected so far, and the share of them that came."""

    day: date
    expected: int
    share: float

    @property
    def percent(self) -> int:
        """The share in whole percent; 100 only where nothing is missing."""
        return int(self.share * 100)


@dataclass(frozen=True)
class LocalDay:
    """A local day and when it begins and ends."""

    day: date
    start: datetime
    end: datetime


def local_days(zone: ZoneInfo, last: date, count: int) -> list[LocalDay]:
    """Return so many days up to the last, oldest first, in UTC; a day has 23, 24 or 25 hours."""
    days = [last - index * ONE_DAY for index in reversed(range(count))]
    return [LocalDay(day, _midnight(day, zone), _midnight(day + ONE_DAY, zone)) for day in days]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # In UTC, as times of one zone are subtracted by the clock on the wall.
    return datetime.combine(day, time(), zone).astimezone(UTC)


def daily_quality(
    channels: Iterable[Channel], days: Sequence[LocalDay], now: datetime
) -> Mapping[int, list[DayQuality]]:
    """Return the quality of each day by channel, by one query for any number of channels.

    What a quarter-hour has beyond the expected makes up for no other one.
    """
    wanted = list(channels)
    expected_each = Greatest(Value(1), Value(QUARTER_HOUR_SECONDS) / F("channel__resolution_seconds"))
    counted = Least(F("count"), expected_each)
    sums = {
        f"day{index}": Sum(counted, filter=Q(start__gte=each.start, start__lt=each.end))
        for index, each in enumerate(days)
    }
    rows = Rollup.objects.filter(channel__in=wanted, start__gte=days[0].start, start__lt=days[-1].end)
    found: dict[int, Any] = {row["channel_id"]: row for row in rows.values("channel_id").annotate(**sums)}
    return {
        channel.pk: [
            _quality(channel, each, found[channel.pk][f"day{index}"] or 0 if channel.pk in found else 0, now)
            for index, each in enumerate(days)
        ]
        for channel in wanted
    }


def _quality(channel: Channel, day: LocalDay, count: int, now: datetime) -> DayQuality:
    # What was imported from before the channel was made counts; what was not was never expected.
    start = min(max(day.start, channel.created_at), day.end) if not count else day.start
    seconds = max((min(day.end, now) - start).total_seconds(), 0)
    expected = int(seconds // channel.resolution_seconds)
    return DayQuality(day.day, expected, min(count / expected, 1.0) if expected else 1.0)
