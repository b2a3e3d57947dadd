"""Readings in the API: received for many channels at once, read back raw, in steps, or in few points for a chart."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Asset, Site
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.csv import CsvParser, CsvRenderer
from flexplatform.api.filters import check_names, read_moment, refused, row, same
from flexplatform.api.schema import Example
from flexplatform.api.series import (
    SeriesTable,
    TableResponse,
    plain,
    read_batch,
    series_body,
)
from telemetry.api.reading_bodies import (
    ANSWER,
    ASKED,
    ASKED_CSV,
    LATEST,
    POINTS,
    QUALITY,
    RAW,
    STEPS,
    STEPS_CSV,
    LatestSerializer,
    ManyReadingsSerializer,
    PointsSerializer,
    QualitySerializer,
    RawReadingsSerializer,
    ReadingSeriesSerializer,
    ReceivedReadingsSerializer,
    SummarySerializer,
)
from telemetry.columns import reading_column
from telemetry.completeness import daily_quality, local_days
from telemetry.models import Channel
from telemetry.models.channel import QUARTER_HOUR_SECONDS
from telemetry.models.moments import moment_of
from telemetry.quantities import QUANTITIES
from telemetry.queries import chart_points, gaps, raw_readings, summary
from telemetry.services import Reference, receive_readings
from telemetry.services.deliveries import ReadingSeries

REFERENCE = ("channel", "site", "asset", "quantity")
COMMON = ("unit", "sign")
MOST_STEPS = 10_000
MOST_POINTS = 5000
MOST_DAYS = 366
SPAN = ("channel", "start", "end")
CHANNEL_OF = OpenApiParameter("channel", {"type": "integer"}, required=True, description="Id of the channel")
START = OpenApiParameter("start", OpenApiTypes.DATETIME, required=True)
END = OpenApiParameter("end", OpenApiTypes.DATETIME, required=True, description="Of the time that is asked for")


class ReadingViewSet(TenantViewSet):
    """What was measured: a value stays as it came first, so that the same readings may be sent again."""

    serializer_class = LatestSerializer
    parser_classes = (JSONParser, CsvParser)
    needs = {
        "list": permissions.VIEW_TELEMETRY,
        "create": permissions.CHANGE_TELEMETRY,
        "raw": permissions.VIEW_TELEMETRY,
        "steps": permissions.VIEW_TELEMETRY,
        "points": permissions.VIEW_TELEMETRY,
        "quality": permissions.VIEW_TELEMETRY,
    }
    filters = {"site": row("site", Site), "asset": row("asset", Asset), "quantity": same("quantity", QUANTITIES)}
    orderings = ("last_at",)
    examples = {
        "list": Example(answer=LATEST),
        "create": Example(request={"readings": [ASKED]}, request_csv=ASKED_CSV, answer=ANSWER),
        "raw": Example(answer=RAW),
        "steps": Example(answer=STEPS, answer_csv=STEPS_CSV),
        "points": Example(answer=POINTS),
        "quality": Example(answer=QUALITY),
    }

    def get_queryset(self) -> "QuerySet[Channel]":
        """Return the organization's channels with readings."""
        return Channel.objects.filter(last_at__isnull=False)

    def list(self, request: Request) -> Response:
        """Answer a page of channels with their newest reading."""
        return self.page(self.get_queryset())

    @extend_schema(
        parameters=[OpenApiParameter(name, str, description="Of a body in CSV") for name in COMMON],
        request={"application/json": ManyReadingsSerializer, "text/csv": OpenApiTypes.STR},
        responses={201: ReceivedReadingsSerializer},
    )
    def create(self, request: Request) -> Response:
        """Store readings of up to 1,000 channels: all of them, or none.

        In CSV a column per channel, `<site>/<device>.<quantity>`, or `<site>/site.<quantity>` of the site itself.
        """
        asked = request.query_params
        check_names(asked, COMMON)
        data = request.data
        if isinstance(data, SeriesTable):
            data = {"readings": list(_entries(data, asked.dict()))}
        elif asked:
            raise ValidationError(dict.fromkeys(asked, "In JSON it stands with each channel."))
        entries = read_batch(data, "readings", ReadingSeriesSerializer)
        received = receive_readings(organization=self.organization, series=[_series(entry) for entry in entries])
        body = {
            "stored": received.stored.new,
            "known": received.stored.known,
            "channels": [channel.pk for channel in received.channels],
        }
        return Response(body, status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[
            CHANNEL_OF,
            START,
            END,
            OpenApiParameter("known_at", OpenApiTypes.DATETIME, description="Received until this time"),
        ],
        responses=RawReadingsSerializer,
    )
    @action(detail=False, methods=["get"])
    def raw(self, request: Request) -> Response:
        """Answer single readings as they came, at most 50,000."""
        asked = request.query_params
        channel, start, end = self._asked(asked, "known_at")
        known_at = read_moment("known_at", asked["known_at"]) if "known_at" in asked else None
        found = raw_readings(channel, start, end, known_at)
        body = {
            "channel": channel.pk,
            "times": _texts(found.times_us),
            "values": plain(found.values),
            "received": _texts(found.received_us),
            "more": found.more,
        }
        return Response(body)

    @extend_schema(
        parameters=[
            CHANNEL_OF,
            START,
            END,
            OpenApiParameter("step", {"type": "integer", "default": 900}, description="Seconds: whole quarter-hours"),
        ],
        responses=SummarySerializer,
    )
    @action(detail=False, methods=["get"], renderer_classes=[JSONRenderer, CsvRenderer])
    def steps(self, request: Request) -> Response:
        """Answer means, extremes and energy in steps of whole quarter-hours."""
        asked = request.query_params
        channel, start, end = self._asked(asked, "step")
        step = _whole("step", asked.get("step", str(QUARTER_HOUR_SECONDS)), 31 * 86_400)
        if step % QUARTER_HOUR_SECONDS:
            raise refused("step", step, "a multiple of 900 seconds")
        if start.timestamp() % QUARTER_HOUR_SECONDS:
            raise refused("start", asked["start"], "the start of a quarter-hour")
        count, rest = divmod(end - start, timedelta(seconds=step))
        if rest or not 1 <= count <= MOST_STEPS:
            raise refused("end", asked["end"], f"1 to {MOST_STEPS} steps of {step} seconds after start")
        found = summary(channel, start, step, count)
        body = series_body(start, step, found.mean) | {
            "channel": channel.pk,
            "lowest": plain(found.lowest),
            "highest": plain(found.highest),
            "energy_kwh": None if found.energy_kwh is None else plain(found.energy_kwh),
            "count": found.count.tolist(),
            "quality": plain(found.quality),
        }
        columns = {
            "mean": found.mean,
            "lowest": found.lowest,
            "highest": found.highest,
            "count": found.count.astype(np.float64),
        }
        return TableResponse(body, SeriesTable(start, step, columns))

    @extend_schema(
        parameters=[CHANNEL_OF, START, END, OpenApiParameter("points", {"type": "integer", "default": 500})],
        responses=PointsSerializer,
    )
    @action(detail=False, methods=["get"])
    def points(self, request: Request) -> Response:
        """Answer at most `points` means with the lowest and highest around each: what a chart needs."""
        asked = request.query_params
        channel, start, end = self._asked(asked, "points")
        found = chart_points(channel, start, end, _whole("points", asked.get("points", "500"), MOST_POINTS))
        body = {
            "channel": channel.pk,
            "times": _texts(found.times_us),
            "values": plain(found.mean),
            "lowest": plain(found.lowest),
            "highest": plain(found.highest),
        }
        return Response(body)

    @extend_schema(
        parameters=[
            CHANNEL_OF,
            OpenApiParameter("days", {"type": "integer", "default": 7}, description="Local days up to today"),
        ],
        responses=QualitySerializer,
    )
    @action(detail=False, methods=["get"])
    def quality(self, request: Request) -> Response:
        """Answer the share of the expected readings per day, and the gaps of these days."""
        asked = request.query_params
        check_names(asked, ("channel", "days"))
        channel, now = self._channel(asked), timezone.now()
        zone = channel.site.zone
        days = local_days(zone, now.astimezone(zone).date(), _whole("days", asked.get("days", "7"), MOST_DAYS))
        found = daily_quality([channel], days, now)[channel.pk]
        body = {
            "channel": channel.pk,
            "time_zone": channel.site.time_zone,
            "days": [{"day": each.day, "expected": each.expected, "share": round(each.share, 4)} for each in found],
            "gaps": [{"start": gap.start, "end": gap.end} for gap in gaps(channel, days[0].start, now)],
        }
        return Response(QualitySerializer(body).data)

    def _channel(self, asked: Mapping[str, str]) -> Channel:
        if "channel" not in asked:
            raise ValidationError({"channel": "channel is missing; allowed: the id of a channel."})
        return cast("Channel", self.own_row("channel", asked["channel"], Channel.objects.select_related("site")))

    def _asked(self, asked: Mapping[str, str], *more: str) -> tuple[Channel, datetime, datetime]:
        check_names(asked, (*SPAN, *more))
        channel = self._channel(asked)
        if missing := [name for name in SPAN[1:] if name not in asked]:
            raise ValidationError({name: f"{name} is missing; allowed: a time." for name in missing})
        start, end = read_moment("start", asked["start"]), read_moment("end", asked["end"])
        if not start < end:
            raise refused("end", asked["end"], "a time after start")
        return channel, start, end


def _series(asked: Mapping[str, Any]) -> ReadingSeries:
    reference = Reference(**{name: asked[name] for name in REFERENCE if name in asked})
    others = {name: value for name, value in asked.items() if name not in REFERENCE}
    return ReadingSeries(**{**others, "channel": reference, "step": timedelta(seconds=asked["step"])})


def _entries(table: SeriesTable, common: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield one entry per column of a CSV table.

    Raises:
        ValidationError: for a heading that names no channel.
    """
    for name, values in table.columns.items():
        try:
            site, asset, quantity = reading_column(name)
        except ValueError as error:
            raise ValidationError({"line 1": f"In the heading {error}"}) from error
        named = {"site": site, **({"asset": asset} if asset else {}), "quantity": quantity}
        yield {**named, "start": table.start, "step": table.step_seconds, "values": values, **common}


def _whole(name: str, text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise refused(name, text[:40], f"1 to {most}")
    return int(text)


def _texts(times_us: Any) -> list[str]:
    return [moment_of(each).astimezone(UTC).isoformat().replace("+00:00", "Z") for each in times_us.tolist()]
