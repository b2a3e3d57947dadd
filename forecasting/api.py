"""Channels and forecasts in the API: read as known at a time, received one by one or for many channels at once."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
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
from flexplatform.api.filters import check_names, moment, read_moment, refused, row, same
from flexplatform.api.schema import Example
from flexplatform.api.series import (
    NumbersField,
    ReferenceField,
    SeriesSerializer,
    SeriesTable,
    TableResponse,
    plain,
    read_batch,
    series_body,
)
from forecasting.columns import column_of, grouped
from forecasting.engine.grid import Grid, Series
from forecasting.models import LEVELS, ForecastRun
from forecasting.queries import newest_forecast
from forecasting.services import Delivery, receive_forecast, receive_forecasts
from forecasting.services.checks import CONSUMPTION, MOST_STEPS, SIGNS
from telemetry.models import Channel
from telemetry.quantities import QUANTITIES
from telemetry.services import Reference

NUMBERS_OR_NULL = {"type": "array", "items": {"type": ["number", "null"], "format": "double"}}
REFERENCE = ("channel", "site", "asset", "quantity")
COMMON = ("issued_at", "known_until", "source", "model", "version", "sign")
SERIES = {"start": "2026-11-21T23:00:00Z", "step": 900, "values": [-0.4, -0.9]}
BAND = {"0.1": [-0.6, -1.2], "0.9": [-0.1, -0.5]}
CHANNEL = {
    "id": 3,
    "site": 1,
    "asset": 2,
    "quantity": "available_power_kw",
    "unit": "kW",
    "sign": "consumption",
    "resolution_seconds": 900,
    "stale_after_seconds": None,
    "last_value": None,
    "last_at": None,
}
RUN = {
    "id": 7,
    "channel": 3,
    "site": 1,
    "asset": 2,
    "quantity": "available_power_kw",
    "issued_at": "2026-11-21T09:00:00Z",
    "known_until": "2026-11-21T08:45:00Z",
    "start": "2026-11-21T23:00:00Z",
    "end": "2026-11-21T23:30:00Z",
    "step": 900,
    "count": 2,
    "source": "Weather service",
    "model": "",
    "version": "",
    "scores": None,
    "received_at": "2026-11-21T09:01:00Z",
}
ASKED = {
    "site": "home",
    "asset": "pv",
    "quantity": "available_power_kw",
    "issued_at": "2026-11-21T09:00:00Z",
    "source": "Weather service",
    **SERIES,
    "quantiles": BAND,
}
ANSWER_CSV = "time,mean,p10,p90\n2026-11-21T23:00:00Z,-0.4,-0.6,-0.1\n2026-11-21T23:15:00Z,-0.9,-1.2,-0.5\n"
BATCH_CSV = (
    "time,home/pv.available_power_kw,home/pv.available_power_kw.p10,home/site.ambient_temperature_c\n"
    "2026-11-21T23:00:00Z,-0.4,-0.6,5.5\n2026-11-21T23:15:00Z,-0.9,-1.2,5.4\n"
)


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    """A quantity of a device, or of a site where `asset` is null; values are in its unit and sign."""

    site = serializers.IntegerField(source="site_id")
    asset = serializers.IntegerField(source="asset_id", allow_null=True)

    class Meta:
        model = Channel
        fields = [*CHANNEL]
        read_only_fields = fields


class ForecastSerializer(serializers.ModelSerializer[ForecastRun]):
    """A forecast as it was delivered, without its values."""

    channel = serializers.IntegerField(source="channel_id")
    site = serializers.IntegerField(source="channel.site_id")
    asset = serializers.IntegerField(source="channel.asset_id", allow_null=True)
    quantity = serializers.CharField(source="channel.quantity")
    step = serializers.IntegerField(source="step_seconds", help_text="Length of a step in seconds")
    scores = serializers.DictField(child=serializers.FloatField(), allow_null=True)

    class Meta:
        model = ForecastRun
        fields = [*RUN]
        read_only_fields = fields


class ForecastWithValuesSerializer(ForecastSerializer):
    """A forecast with its mean per step, and the delivered quantiles by level."""

    values = NumbersField(source="series.mean")
    quantiles = serializers.SerializerMethodField()

    class Meta:
        model = ForecastRun
        fields = [*RUN, "values", "quantiles"]
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": NUMBERS_OR_NULL})
    def get_quantiles(self, run: ForecastRun) -> dict[str, list[float | None]]:
        """Return the delivered quantiles by level."""
        return {str(level): plain(series) for level, series in run.series.by_level.items()}


class KnownForecastSerializer(serializers.Serializer[Any]):
    """What is expected of a channel, each step from the newest forecast that covers it; null where none does."""

    start = serializers.DateTimeField()
    step = serializers.IntegerField(help_text="Length of a step in seconds")
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))
    quantiles = serializers.DictField(child=serializers.ListField(child=serializers.FloatField(allow_null=True)))
    forecasts = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of those used, newest first")


class DeliverySerializer(SeriesSerializer):
    """A forecast as it is sent: of a `channel`; or of a `quantity` with an `asset`, or with a `site` for its own."""

    channel = serializers.IntegerField(required=False, help_text="Id of the channel")
    site = ReferenceField(required=False, help_text="Id, slug or external id")
    asset = ReferenceField(required=False, help_text="Id, or name with the site")
    quantity = serializers.ChoiceField(list(QUANTITIES), required=False)
    issued_at = serializers.DateTimeField(help_text="When it was made; it is known from then on")
    known_until = serializers.DateTimeField(required=False, help_text="End of the measurements that it knew")
    quantiles = serializers.DictField(
        child=NumbersField(), required=False, help_text="By level, 0.1 to 0.9; one number per step"
    )
    unit = serializers.CharField(required=False, help_text="Of the numbers; default: the quantity's own")
    sign = serializers.ChoiceField(list(SIGNS), default=CONSUMPTION, help_text="What numbers above zero are")
    source = serializers.CharField(max_length=100, help_text="Who made it")  # type: ignore[assignment]
    model = serializers.CharField(default="", allow_blank=True, max_length=60)
    version = serializers.CharField(default="", allow_blank=True, max_length=60)
    scores = serializers.DictField(child=serializers.FloatField(), required=False, help_text="By measure")


class DeliveriesSerializer(serializers.Serializer[Any]):
    """Forecasts of many channels; all of them are stored, or none."""

    forecasts = DeliverySerializer(many=True)


class ReceivedSerializer(serializers.Serializer[Any]):
    """The stored forecasts of a request, in its order."""

    forecasts = ForecastSerializer(many=True)


class ChannelViewSet(TenantViewSet):
    """What is measured and forecast: one channel per quantity of a device or site; made by the first delivery."""

    serializer_class = ChannelSerializer
    needs = dict.fromkeys(("list", "retrieve", "forecast"), permissions.VIEW_FORECASTS)
    filters = {"site": row("site", Site), "asset": row("asset", Asset), "quantity": same("quantity", QUANTITIES)}
    examples = {
        "list": Example(answer=CHANNEL),
        "retrieve": Example(answer=CHANNEL),
        "forecast": Example(answer={**SERIES, "quantiles": BAND, "forecasts": [7]}, answer_csv=ANSWER_CSV),
    }

    def get_queryset(self) -> "QuerySet[Channel]":
        """Return the organization's channels."""
        return Channel.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of channels."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one channel."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("start", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("end", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("known_at", OpenApiTypes.DATETIME, description="As it was known at this time"),
        ],
        responses=KnownForecastSerializer,
    )
    @action(detail=True, methods=["get"], renderer_classes=[JSONRenderer, CsvRenderer])
    def forecast(self, request: Request, pk: int) -> Response:
        """Answer what is expected of a time, in steps of the channel's resolution, as known now or then."""
        channel: Channel = self.get_object()
        asked = request.query_params
        check_names(asked, ("start", "end", "known_at"))
        grid = _asked_steps(asked, channel.resolution)
        known_at = read_moment("known_at", asked["known_at"]) if "known_at" in asked else None
        found = newest_forecast(channel, grid, known_at)
        mean = found.mean if found else _nothing(grid)
        bands = {level: series for level in LEVELS if found and (series := found.quantile(level)) is not None}
        body = series_body(grid.start, channel.resolution_seconds, mean)
        body["quantiles"] = {str(level): plain(series) for level, series in bands.items()}
        body["forecasts"] = list(found.runs) if found else []
        return TableResponse(body, SeriesTable(grid.start, channel.resolution_seconds, value_columns(mean, bands)))


class ForecastViewSet(TenantViewSet):
    """Forecasts as they were delivered; they never change, and later ones replace them from their issue on."""

    serializer_class = ForecastSerializer
    needs = {
        "list": permissions.VIEW_FORECASTS,
        "retrieve": permissions.VIEW_FORECASTS,
        "create": permissions.CHANGE_FORECASTS,
        "receive_batch": permissions.CHANGE_FORECASTS,
    }
    filters = {
        "channel": row("channel", Channel),
        "site": row("channel__site", Site),
        "asset": row("channel__asset", Asset),
        "quantity": same("channel__quantity", QUANTITIES),
        "source": same("source"),
        "model": same("model"),
        "known_at": moment("issued_at__lte", "Issued until this time"),
        "start_before": moment("start__lt", "Begins before this time"),
        "end_after": moment("end__gt", "Ends after this time"),
    }
    orderings = ("issued_at", "start")
    keyed = frozenset({"create", "receive_batch"})
    csv_answers = frozenset({"retrieve"})
    examples = {
        "list": Example(answer=RUN),
        "retrieve": Example(answer={**RUN, "values": SERIES["values"], "quantiles": BAND}, answer_csv=ANSWER_CSV),
        "create": Example(request=ASKED, answer=RUN),
        "receive_batch": Example(request={"forecasts": [ASKED]}, request_csv=BATCH_CSV, answer={"forecasts": [RUN]}),
    }

    def get_queryset(self) -> "QuerySet[ForecastRun]":
        """Return the organization's forecasts."""
        return ForecastRun.objects.select_related("channel")

    def list(self, request: Request) -> Response:
        """Answer a page of forecasts, without values."""
        return self.page(self.get_queryset())

    @extend_schema(responses=ForecastWithValuesSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one forecast with its values."""
        run: ForecastRun = self.get_object()
        table = SeriesTable(run.start, run.step_seconds, value_columns(run.series.mean, run.series.by_level))
        return TableResponse(ForecastWithValuesSerializer(run).data, table)

    @extend_schema(request=DeliverySerializer, responses={201: ForecastSerializer})
    def create(self, request: Request) -> Response:
        """Store one forecast; the same again is the one that is stored."""
        form = DeliverySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        stored = receive_forecast(organization=self.organization, delivery=_delivery(form.validated_data))
        return Response(ForecastSerializer(stored).data, status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[OpenApiParameter(name, str, description="Of a body in CSV") for name in COMMON],
        request={"application/json": DeliveriesSerializer, "text/csv": OpenApiTypes.STR},
        responses={201: ReceivedSerializer},
    )
    @action(
        detail=False, methods=["post"], url_path="deliveries", parser_classes=[JSONParser, CsvParser], url_name="batch"
    )
    def receive_batch(self, request: Request) -> Response:
        """Store forecasts of up to 1,000 channels: all of them, or none.

        In CSV a column per series, `<site>/<device>.<quantity>`, or `<site>/site.<quantity>` of the site itself, with
        `.p10` to `.p90` at the end for a quantile.
        """
        asked = request.query_params
        check_names(asked, COMMON)
        data = request.data
        if isinstance(data, SeriesTable):
            data = {"forecasts": list(_entries(data, asked.dict()))}
        elif asked:
            raise ValidationError(dict.fromkeys(asked, "In JSON it stands in each forecast."))
        entries = read_batch(data, "forecasts", DeliverySerializer)
        stored = receive_forecasts(organization=self.organization, deliveries=[_delivery(entry) for entry in entries])
        return Response({"forecasts": ForecastSerializer(stored, many=True).data}, status.HTTP_201_CREATED)


def _delivery(asked: Mapping[str, Any]) -> Delivery:
    reference = Reference(**{name: asked[name] for name in REFERENCE if name in asked})
    others = {name: value for name, value in asked.items() if name not in REFERENCE}
    return Delivery(**{**others, "channel": reference, "step": timedelta(seconds=asked["step"])})


def _entries(table: SeriesTable, common: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield one entry of a batch per forecast of a CSV table.

    Raises:
        ValidationError: for a heading that names no series.
    """
    try:
        columns = {name: column_of(name, with_site=True) for name in table.columns}
        forecasts = grouped(columns)
    except ValueError as error:
        raise ValidationError({"line 1": f"In the heading {error}"}) from error
    for levels in forecasts.values():
        mean = columns[levels[None]]
        quantiles = {str(level): table.columns[name] for level, name in levels.items() if level is not None}
        yield {
            "site": mean.site,
            **({"asset": mean.device} if mean.device else {}),
            "quantity": mean.quantity,
            "start": table.start,
            "step": table.step_seconds,
            "values": table.columns[levels[None]],
            **({"quantiles": quantiles} if quantiles else {}),
            **common,
        }


def value_columns(mean: Any, bands: Mapping[float, Series]) -> dict[str, Series]:
    """Return the columns of a CSV with a forecast: its mean, and its quantiles."""
    return {"mean": mean, **{f"p{level * 100:.0f}": series for level, series in bands.items()}}


def _asked_steps(asked: Mapping[str, str], step: timedelta) -> Grid:
    if missing := [name for name in ("start", "end") if name not in asked]:
        raise ValidationError({name: f"{name} is missing; allowed: a time." for name in missing})
    start, end = read_moment("start", asked["start"]), read_moment("end", asked["end"])
    if start.microsecond:
        raise refused("start", asked["start"], "a time in whole seconds")
    count, rest = divmod(end - start, step)
    if rest or not 1 <= count <= MOST_STEPS:
        seconds = step.total_seconds()
        raise refused("end", asked["end"], f"1 to {MOST_STEPS} steps of {seconds:g} seconds after start")
    return Grid(start, step, count)


def _nothing(grid: Grid) -> Series:
    return np.full(grid.count, np.nan)
