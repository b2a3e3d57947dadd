"""What is fetched from providers, in the API: how fresh it is, price feeds, and a fetch now. Keys are not here."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import PriceSeries
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.rows import RowViewSet
from flexplatform.api.schema import Example
from flexplatform.api.serializers import RowSerializer
from forecasting import services
from forecasting.models import PriceFeed, WeatherFeed
from forecasting.providers import PRICES

STATE = {
    "enabled": True,
    "fetched_at": None,
    "failed_at": None,
    "error": "",
    "is_failing": False,
    "is_stale": False,
}
WEATHER_FEED = {"id": 1, "provider": "open_meteo", **STATE, "fetched_at": "2026-11-21T01:20:04Z"}
PRICE_FEED = {"provider": "energy_charts", "zone": "DE-LU", "series": 1, **STATE}
READ_ONLY = [name for name in STATE if name != "enabled"]


class WeatherFeedSerializer(serializers.ModelSerializer[WeatherFeed]):
    """Where the weather of the sites comes from; stale says that what was fetched last is older than it should be."""

    is_failing = serializers.BooleanField(help_text="Whether the last attempt failed")
    is_stale = serializers.BooleanField(help_text="Whether what was fetched last is older than it should be")

    class Meta:
        model = WeatherFeed
        fields = [*WEATHER_FEED]
        read_only_fields = fields


class PriceFeedSerializer(RowSerializer):
    """Prices of a bidding zone that are fetched into a price series."""

    is_failing = serializers.BooleanField(read_only=True, help_text="Whether the last attempt failed")
    is_stale = serializers.BooleanField(
        read_only=True, help_text="Whether what was fetched last is older than it should be"
    )

    class Meta:
        model = PriceFeed
        fields = ["id", *PRICE_FEED]
        read_only_fields = ["id", *READ_ONLY]


class PricesAskedSerializer(serializers.Serializer[Any]):
    """How far back prices are fetched."""

    days = serializers.IntegerField(default=1, min_value=1, max_value=360, help_text="Past days, up to tomorrow")


class WeatherFeedViewSet(TenantViewSet):
    """The weather of all sites: one feed, or none where no weather is fetched."""

    serializer_class = WeatherFeedSerializer
    needs = {
        "list": permissions.VIEW_FORECASTS,
        "retrieve": permissions.VIEW_FORECASTS,
        "fetch": permissions.CHANGE_FORECASTS,
    }
    keyed_by_job = frozenset({"fetch"})
    examples = {
        "list": Example(answer=WEATHER_FEED),
        "retrieve": Example(answer=WEATHER_FEED),
        "fetch": Example(answer=JOB | {"kind": services.FETCH_WEATHER, "title": "Fetch weather"}),
    }

    def get_queryset(self) -> "QuerySet[WeatherFeed]":
        """Return the organization's feed."""
        return WeatherFeed.objects.order_by("pk")

    def list(self, request: Request) -> Response:
        """Answer the feed as a list of one, or of none."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer the feed."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def fetch(self, request: Request) -> Response:
        """Fetch the weather of all sites now; the answer is the job that does it."""
        job = services.request_weather(organization=self.organization, idempotency_key=self.idempotency_key)
        return accepted(job, request)


class PriceFeedViewSet(RowViewSet):
    """Day-ahead prices that are fetched from a provider into a price series."""

    model = PriceFeed
    serializer_class = PriceFeedSerializer
    needs = {
        "list": permissions.VIEW_PRICES,
        "retrieve": permissions.VIEW_PRICES,
        "create": permissions.MANAGE_PROVIDERS,
        "partial_update": permissions.MANAGE_PROVIDERS,
        "destroy": permissions.MANAGE_PROVIDERS,
        "fetch": permissions.CHANGE_PRICES,
    }
    filters = {"series": row("series", PriceSeries), "provider": same("provider", PRICES)}
    keyed_by_job = frozenset({"fetch"})
    sample = PRICE_FEED
    examples = {
        "fetch": Example(request={"days": 1}, answer=JOB | {"kind": services.FETCH_PRICES, "title": "Fetch prices"}),
    }

    def make(self, values: dict[str, Any]) -> PriceFeed:
        """Store a feed."""
        return services.create_price_feed(organization=self.organization, values=values)

    def change(self, row: PriceFeed, values: dict[str, Any]) -> PriceFeed:
        """Change a feed."""
        return services.update_price_feed(feed=row, values=values)

    def remove(self, row: PriceFeed) -> None:
        """Delete a feed; the prices stay."""
        services.delete_price_feed(feed=row)

    @extend_schema(request=PricesAskedSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def fetch(self, request: Request) -> Response:
        """Fetch the prices of all feeds now; the answer is the job that does it."""
        form = PricesAskedSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        job = services.request_prices(
            organization=self.organization, idempotency_key=self.idempotency_key, **form.validated_data
        )
        return accepted(job, request)
