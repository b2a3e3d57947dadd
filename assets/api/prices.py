"""Price series in the API: what they are, what they received, and deliveries for many of them at once."""

from datetime import timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from assets import services
from assets.api.needs import row_needs
from assets.models import PriceSeries, PriceValues
from assets.queries import MOST_VALUES, known_prices
from assets.services.prices import UNITS, Delivery
from assets.tables import editable_fields
from flexplatform.accounts import permissions
from flexplatform.api.csv import CsvParser
from flexplatform.api.filters import check_names, read_moment, refused, same
from flexplatform.api.rows import RowViewSet
from flexplatform.api.schema import Example
from flexplatform.api.serializers import row_serializer
from flexplatform.api.series import (
    ReferenceField,
    SeriesSerializer,
    SeriesTable,
    TableResponse,
    read_batch,
    series_body,
)

LONGEST = timedelta(days=400)
PriceSeriesSerializer = row_serializer(PriceSeries, editable_fields(PriceSeries))
VALUES = {"start": "2026-11-21T23:00:00Z", "step": 3600, "values": [0.1021, 0.0987]}
RECEIVED = {
    "id": 9,
    "series": 1,
    "start": "2026-11-21T23:00:00Z",
    "end": "2026-11-22T01:00:00Z",
    "step": 3600,
    "source": "EPEX",
    "received_at": "2026-11-21T12:45:00Z",
}


class PricesSerializer(SeriesSerializer):
    """One delivery of prices."""

    per = serializers.ChoiceField(list(UNITS), default="kWh", help_text="What one price is for")
    source = serializers.CharField(default="", allow_blank=True, max_length=200, help_text="Where they come from")  # type: ignore[assignment]


class PriceDeliverySerializer(PricesSerializer):
    """One delivery of a batch."""

    series = ReferenceField(help_text="Id or name of the price series")


class PriceDeliveriesSerializer(serializers.Serializer[Any]):
    """A batch of deliveries; all of them are stored, or none."""

    deliveries = PriceDeliverySerializer(many=True)


class ReceivedPricesSerializer(serializers.ModelSerializer[PriceValues]):
    """A stored delivery."""

    series = serializers.IntegerField(source="series_id")
    step = serializers.IntegerField(source="step_seconds", help_text="Length of a step in seconds")

    class Meta:
        model = PriceValues
        fields = ["id", "series", "start", "end", "step", "source", "received_at"]
        read_only_fields = fields


class ReceivedPriceBatchSerializer(serializers.Serializer[Any]):
    """The stored deliveries of a batch, in its order."""

    deliveries = ReceivedPricesSerializer(many=True)


class KnownPricesSerializer(serializers.Serializer[Any]):
    """Prices per kWh as they were known; null where none was received."""

    start = serializers.DateTimeField()
    step = serializers.IntegerField(help_text="Length of a step in seconds")
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))


class PriceSeriesViewSet(RowViewSet):
    """Series of prices that tariffs refer to; their values come in deliveries, which are never changed."""

    model = PriceSeries
    serializer_class = PriceSeriesSerializer
    needs = row_needs(
        permissions.VIEW_PRICES,
        permissions.CHANGE_PRICES,
        known=permissions.VIEW_PRICES,
        receive=permissions.CHANGE_PRICES,
        receive_batch=permissions.CHANGE_PRICES,
    )
    filters = {"name": same("name"), "currency": same("currency")}
    orderings = ("name",)
    csv_answers = frozenset({"known"})
    keyed = frozenset({"receive", "receive_batch"})
    sample = {"name": "Day-ahead DE-LU", "currency": "EUR", "source": "EPEX"}
    examples = {
        "known": Example(answer=VALUES, answer_csv="time,Day-ahead DE-LU\n2026-11-21T23:00:00Z,0.1021\n"),
        "receive": Example(request={**VALUES, "per": "kWh", "source": "EPEX"}, answer=RECEIVED),
        "receive_batch": Example(
            request={"deliveries": [{"series": "Day-ahead DE-LU", **VALUES, "per": "kWh", "source": "EPEX"}]},
            request_csv="time,Day-ahead DE-LU,Day-ahead AT\n2026-11-21T23:00:00Z,0.1021,0.1033\n"
            "2026-11-22T00:00:00Z,0.0987,0.0999\n",
            answer={"deliveries": [RECEIVED]},
        ),
    }

    def make(self, values: dict[str, Any]) -> PriceSeries:
        """Store a price series."""
        return services.create_price_series(organization=self.organization, values=values)

    def change(self, row: PriceSeries, values: dict[str, Any]) -> PriceSeries:
        """Change a price series."""
        return services.update_price_series(series=row, values=values)

    def remove(self, row: PriceSeries) -> None:
        """Delete a price series that no tariff needs."""
        services.delete_price_series(series=row)

    @extend_schema(
        parameters=[
            OpenApiParameter("start", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("end", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("known_at", OpenApiTypes.DATETIME, description="As it was known at this time"),
        ],
        responses=KnownPricesSerializer,
    )
    @action(detail=True, methods=["get"], url_path="values")
    def known(self, request: Request, pk: int) -> Response:
        """Answer the prices per kWh of a time, as they are known now or were known then."""
        series: PriceSeries = self.get_object()
        asked = request.query_params
        check_names(asked, ("start", "end", "known_at"))
        if missing := [name for name in ("start", "end") if name not in asked]:
            raise ValidationError({name: f"{name} is missing; allowed: a time." for name in missing})
        start, end = read_moment("start", asked["start"]), read_moment("end", asked["end"])
        if not timedelta(seconds=1) <= end - start <= LONGEST:
            raise refused("end", asked["end"], f"a time after start, at most {LONGEST.days} days later")
        known_at = read_moment("known_at", asked["known_at"]) if "known_at" in asked else None
        try:
            step, values = known_prices(series, start, end, known_at)
        except ValueError as error:
            raise refused("end", f"{asked['end']}, {error} after start", f"at most {MOST_VALUES} values") from error
        seconds = step // timedelta(seconds=1)
        return TableResponse(series_body(start, seconds, values), SeriesTable(start, seconds, {series.name: values}))

    @extend_schema(request=PricesSerializer, responses={201: ReceivedPricesSerializer})
    @known.mapping.post
    def receive(self, request: Request, pk: int) -> Response:
        """Store one delivery; what was received before stays readable as it was known."""
        series: PriceSeries = self.get_object()
        form = PricesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        stored = services.receive_prices(series=series, **{**asked, "step": timedelta(seconds=asked["step"])})
        return Response(ReceivedPricesSerializer(stored).data, status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[
            OpenApiParameter("per", str, enum=list(UNITS), description="Of a body in CSV"),
            OpenApiParameter("source", str, description="Of a body in CSV"),
        ],
        request={"application/json": PriceDeliveriesSerializer, "text/csv": OpenApiTypes.STR},
        responses={201: ReceivedPriceBatchSerializer},
    )
    @action(
        detail=False, methods=["post"], url_path="deliveries", parser_classes=[JSONParser, CsvParser], url_name="batch"
    )
    def receive_batch(self, request: Request) -> Response:
        """Store deliveries of up to 1,000 series: all of them, or none; in CSV one column per series, by its name."""
        asked = request.query_params
        check_names(asked, ("per", "source"))
        common = {name: asked[name] for name in ("per", "source") if name in asked}
        data = request.data
        if isinstance(data, SeriesTable):
            data = {"deliveries": [{**item, **common} for item in data.as_items()]}
        elif common:
            raise ValidationError(dict.fromkeys(common, "In JSON it stands in each delivery."))
        entries = read_batch(data, "deliveries", PriceDeliverySerializer)
        deliveries = [Delivery(**{**entry, "step": timedelta(seconds=entry["step"])}) for entry in entries]
        stored = services.receive_deliveries(organization=self.organization, deliveries=deliveries)
        return Response({"deliveries": ReceivedPricesSerializer(stored, many=True).data}, status.HTTP_201_CREATED)
