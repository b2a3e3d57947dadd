"""What the platform expects of price series, in the API; plans use it where no price was received yet."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import PriceSeries
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import moment, row, same
from flexplatform.api.schema import Example
from flexplatform.api.series import NumbersField, SeriesTable, TableResponse, plain
from forecasting.api import NUMBERS_OR_NULL, value_columns
from forecasting.models import PriceForecast

PRICES = {
    "id": 4,
    "series": 1,
    "issued_at": "2026-11-21T01:40:00Z",
    "start": "2026-11-21T23:00:00Z",
    "end": "2026-11-22T01:00:00Z",
    "step": 3600,
    "model": "ridge",
    "version": "1",
}
VALUES = {"values": [0.0912, 0.0884], "quantiles": {"0.1": [0.0702, 0.0673], "0.9": [0.1124, 0.1097]}}
CSV = "time,mean,p10,p90\n2026-11-21T23:00:00Z,0.0912,0.0702,0.1124\n2026-11-22T00:00:00Z,0.0884,0.0673,0.1097\n"


class PriceForecastSerializer(serializers.ModelSerializer[PriceForecast]):
    """A forecast of prices, without its values."""

    series = serializers.IntegerField(source="series_id", help_text="Id of the price series")
    step = serializers.IntegerField(source="step_seconds", help_text="Length of a step in seconds")

    class Meta:
        model = PriceForecast
        fields = [*PRICES]
        read_only_fields = fields


class PriceForecastWithValuesSerializer(PriceForecastSerializer):
    """A forecast of prices per kWh with its mean per step, and its quantiles by level."""

    values = NumbersField(source="mean")
    quantiles = serializers.SerializerMethodField()

    class Meta:
        model = PriceForecast
        fields = [*PRICES, *VALUES]
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": NUMBERS_OR_NULL})
    def get_quantiles(self, made: PriceForecast) -> dict[str, list[float | None]]:
        """Return the quantiles by level."""
        return {str(level): plain(series) for level, series in made.by_level.items()}


class PriceForecastViewSet(TenantViewSet):
    """Forecasts of the price series that dynamic tariffs refer to, made every night; they never change."""

    serializer_class = PriceForecastSerializer
    needs = {"list": permissions.VIEW_PRICES, "retrieve": permissions.VIEW_PRICES}
    filters = {
        "series": row("series", PriceSeries),
        "model": same("model"),
        "known_at": moment("issued_at__lte", "Issued until this time"),
        "start_before": moment("start__lt", "Begins before this time"),
        "end_after": moment("end__gt", "Ends after this time"),
    }
    orderings = ("issued_at", "start")
    csv_answers = frozenset({"retrieve"})
    examples = {
        "list": Example(answer=PRICES),
        "retrieve": Example(answer={**PRICES, **VALUES}, answer_csv=CSV),
    }

    def get_queryset(self) -> "QuerySet[PriceForecast]":
        """Return the organization's forecasts of prices."""
        return PriceForecast.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of forecasts, without values."""
        return self.page(self.get_queryset().defer("mean", "quantiles"))

    @extend_schema(responses=PriceForecastWithValuesSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one forecast with its values, per kWh in the currency of the series."""
        made: PriceForecast = self.get_object()
        body: dict[str, Any] = PriceForecastWithValuesSerializer(made).data
        return TableResponse(body, SeriesTable(made.start, made.step_seconds, value_columns(made.mean, made.by_level)))
