"""What readings look like in the API: bodies, answers and an example of each."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from flexplatform.api.series import (
    ReferenceField,
    SeriesSerializer,
)
from telemetry.models import Channel
from telemetry.quantities import QUANTITIES
from telemetry.services.deliveries import CONSUMPTION, SIGNS

ASKED = {
    "site": "home",
    "asset": "battery",
    "quantity": "power_kw",
    "start": "2026-11-21T12:00:00Z",
    "step": 900,
    "values": [2.5, -1.0],
}
ASKED_CSV = (
    "time,home/battery.power_kw,home/site.grid_power_kw\n2026-11-21T12:00:00Z,2.5,4\n2026-11-21T12:15:00Z,-1,1\n"
)
ANSWER = {"stored": 2, "known": 0, "channels": [3]}
RAW = {
    "channel": 3,
    "times": ["2026-11-21T12:00:00Z"],
    "values": [2.5],
    "received": ["2026-11-21T12:00:02Z"],
    "more": False,
}
STEPS = {
    "start": "2026-11-21T12:00:00Z",
    "step": 900,
    "values": [2.5, None],
    "channel": 3,
    "lowest": [2.0, None],
    "highest": [3.0, None],
    "energy_kwh": [0.625, None],
    "count": [15, 0],
    "quality": [1.0, 0.0],
}
STEPS_CSV = "time,mean,lowest,highest,count\n2026-11-21T12:00:00Z,2.5,2.0,3.0,15.0\n"
POINTS = {
    "channel": 3,
    "times": ["2026-11-21T12:00:00Z"],
    "values": [2.5],
    "lowest": [2.0],
    "highest": [3.0],
}
QUALITY = {
    "channel": 3,
    "time_zone": "Europe/Berlin",
    "days": [{"day": "2026-11-21", "expected": 96, "share": 0.9896}],
    "gaps": [{"start": "2026-11-21T12:00:00Z", "end": "2026-11-21T12:15:00Z"}],
}
LATEST = {
    "id": 3,
    "site": 1,
    "asset": 2,
    "quantity": "power_kw",
    "unit": "kW",
    "last_value": 2.5,
    "last_at": "2026-11-21T12:00:00Z",
    "is_stale": False,
}


class ReadingSeriesSerializer(SeriesSerializer):
    """Readings as they are sent: of a `channel`; or of a `quantity` with an `asset`, or with a `site` for its own."""

    channel = serializers.IntegerField(required=False, help_text="Id of the channel")
    site = ReferenceField(required=False, help_text="Id, slug or external id")
    asset = ReferenceField(required=False, help_text="Id, or name with the site")
    quantity = serializers.ChoiceField(list(QUANTITIES), required=False)
    unit = serializers.CharField(required=False, help_text="Of the numbers; default: the quantity's own")
    sign = serializers.ChoiceField(list(SIGNS), default=CONSUMPTION, help_text="What numbers above zero are")


class ManyReadingsSerializer(serializers.Serializer[Any]):
    """Readings of many channels; all of them are stored, or none."""

    readings = ReadingSeriesSerializer(many=True)


class ReceivedReadingsSerializer(serializers.Serializer[Any]):
    """How many readings were new, how many known already, and the channels in the order of the request."""

    stored = serializers.IntegerField()
    known = serializers.IntegerField()
    channels = serializers.ListField(child=serializers.IntegerField())


class NumbersOrNull(serializers.ListField):
    """Numbers, and null where there is none."""

    child = serializers.FloatField(allow_null=True)


class RawReadingsSerializer(serializers.Serializer[Any]):
    """Single readings, oldest first; `more` says that there are more than one answer holds."""

    channel = serializers.IntegerField()
    times = serializers.ListField(child=serializers.DateTimeField())
    values = serializers.ListField(child=serializers.FloatField())
    received = serializers.ListField(child=serializers.DateTimeField())
    more = serializers.BooleanField()


class SummarySerializer(serializers.Serializer[Any]):
    """Means per step with what lies behind them; `quality` is the share of the readings that were expected."""

    channel = serializers.IntegerField()
    start = serializers.DateTimeField()
    step = serializers.IntegerField(help_text="Length of a step in seconds")
    values = NumbersOrNull(help_text="Means")
    lowest = NumbersOrNull()
    highest = NumbersOrNull()
    energy_kwh = NumbersOrNull(allow_null=True, help_text="Null for what is no power")
    count = serializers.ListField(child=serializers.IntegerField())
    quality = NumbersOrNull()


class PointsSerializer(serializers.Serializer[Any]):
    """Few points that look like many."""

    channel = serializers.IntegerField()
    times = serializers.ListField(child=serializers.DateTimeField())
    values = NumbersOrNull(help_text="Means")
    lowest = NumbersOrNull()
    highest = NumbersOrNull()


class DayQualitySerializer(serializers.Serializer[Any]):
    """A local day: how many readings were expected up to now, and the share of them that came."""

    day = serializers.DateField()
    expected = serializers.IntegerField()
    share = serializers.FloatField()


class GapSerializer(serializers.Serializer[Any]):
    """A time of at least a quarter-hour without any reading."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class QualitySerializer(serializers.Serializer[Any]):
    """How complete a channel is: its days by the clock of its site, and when nothing came."""

    channel = serializers.IntegerField()
    time_zone = serializers.CharField()
    days = DayQualitySerializer(many=True)
    gaps = GapSerializer(many=True)


class LatestSerializer(serializers.ModelSerializer[Channel]):
    """A channel's newest reading; `is_stale` says that it is older than the channel allows."""

    site = serializers.IntegerField(source="site_id")
    asset = serializers.IntegerField(source="asset_id", allow_null=True)
    is_stale = serializers.SerializerMethodField()

    class Meta:
        model = Channel
        fields = [*LATEST]
        read_only_fields = fields

    def get_is_stale(self, channel: Channel) -> bool:
        """Return whether the value says nothing any more."""
        return channel.is_stale(timezone.now())
