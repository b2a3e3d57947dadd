"""What the platform forecasts itself, in the API: which channels, with which model, how good; and a forecast now."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Asset, Site
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import Filter, refused, row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example
from flexplatform.api.serializers import RowSerializer
from forecasting import services
from forecasting.models import ChannelForecast
from forecasting.own_queries import league

ANSWERS = {"true": True, "false": False}
SCORES = {
    "pinball_percent": 7.41,
    "coverage_percent": 79.2,
    "bias_percent": -1.3,
    "mae": 0.21,
    "mae_percent": 18.4,
    "steps": 384.0,
    "skill_percent": 31.5,
}
OWN = {
    "channel": 3,
    "site": 1,
    "asset": 2,
    "quantity": "available_power_kw",
    "enabled": True,
    "forced_model": "",
    "chosen_model": "ridge",
    "chosen_at": "2026-11-15T04:31:10Z",
    "scores_by_model": {"ridge": SCORES},
    "recent_scores": SCORES,
    "drifted": False,
    "checked_at": "2026-11-21T01:40:00Z",
    "quality": {"days": 120.0, "usable_percent": 99.1, "filled": 3, "dead": False, "gap": 12, "spike": 1},
    "problem": "",
    "updated_at": None,
}
RANK = {"kind": "pv", "model": "ridge", "channels": 12, "chosen": 9, "scores": SCORES}


def yes_or_no(lookup: str) -> Filter:
    """Return a filter by something that is so or not."""

    def read(name: str, text: str, _organization: str) -> bool:
        if text not in ANSWERS:
            raise refused(name, text, ", ".join(ANSWERS))
        return ANSWERS[text]

    return Filter(lookup, read, {"type": "boolean"})


class MeasuresField(serializers.DictField):
    """Scores by measure."""

    child = serializers.FloatField()


class ChannelForecastSerializer(RowSerializer):
    """A channel that the platform forecasts: with the forced model, else the chosen one, else the best guess."""

    channel = serializers.IntegerField(source="channel_id", read_only=True, help_text="Id of the channel")
    site = serializers.IntegerField(source="channel.site_id", read_only=True)
    asset = serializers.IntegerField(source="channel.asset_id", read_only=True, allow_null=True)
    quantity = serializers.CharField(source="channel.quantity", read_only=True)
    scores_by_model = serializers.DictField(child=MeasuresField(), read_only=True)
    recent_scores = MeasuresField(read_only=True, allow_null=True)
    quality = serializers.SerializerMethodField()

    class Meta:
        model = ChannelForecast
        fields = ["id", *OWN]
        read_only_fields = sorted(set(fields) - {"enabled", "forced_model"})
        extra_kwargs = {"enabled": {"required": False}, "forced_model": {"required": False}}

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_quality(self, own: ChannelForecast) -> dict[str, Any]:
        """Return what is wrong with its readings, in quarter-hours."""
        return dict(own.quality)


class ForecastsAskedSerializer(serializers.Serializer[Any]):
    """What is forecast now: all channels that are switched on, or some."""

    channels = serializers.ListField(
        child=serializers.IntegerField(), required=False, allow_null=True, help_text="Ids of channels; none: all"
    )
    at = serializers.DateTimeField(required=False, allow_null=True, help_text="As known at this time; none: now")


class ChoiceAskedSerializer(serializers.Serializer[Any]):
    """Whose model is chosen now: all channels that are switched on, or some."""

    channels = serializers.ListField(
        child=serializers.IntegerField(), required=False, allow_null=True, help_text="Ids of channels; none: all"
    )


class RankSerializer(serializers.Serializer[Any]):
    """How good a model is for the channels of a kind, by the back-tests that chose their models."""

    kind = serializers.CharField(help_text="Of the engine: load, pv, wind, heat or ev")
    model = serializers.CharField()
    channels = serializers.IntegerField(help_text="How many channels it was tried on")
    chosen = serializers.IntegerField(help_text="For how many of them it is the best")
    scores = MeasuresField(help_text="Means over the channels")


class LeagueSerializer(serializers.Serializer[Any]):
    """Models by kind of channel, the best first."""

    models = RankSerializer(many=True)


class ChannelForecastViewSet(TenantViewSet):
    """Channels that the platform forecasts itself; their forecasts are in `forecasts`, with the source FlexPlatform."""

    serializer_class = ChannelForecastSerializer
    needs = {
        "list": permissions.VIEW_FORECASTS,
        "retrieve": permissions.VIEW_FORECASTS,
        "partial_update": permissions.CHANGE_FORECASTS,
        "league": permissions.VIEW_FORECASTS,
        "forecast": permissions.CHANGE_FORECASTS,
        "choose": permissions.CHANGE_FORECASTS,
    }
    filters = {
        "site": row("channel__site", Site),
        "asset": row("channel__asset", Asset),
        "quantity": same("channel__quantity"),
        "enabled": yes_or_no("enabled"),
        "drifted": yes_or_no("drifted"),
    }
    keyed_by_job = frozenset({"forecast", "choose"})
    examples = {
        "list": Example(answer={"id": 1, **OWN}),
        "retrieve": Example(answer={"id": 1, **OWN}),
        "partial_update": Example(
            request={"forced_model": "climatology"}, answer={"id": 1, **OWN, "forced_model": "climatology"}
        ),
        "league": Example(answer={"models": [RANK]}),
        "forecast": Example(
            request={"channels": None},
            answer=JOB | {"kind": services.FORECAST_ORGANIZATION, "title": "Forecast all channels"},
        ),
        "choose": Example(
            request={"channels": None}, answer=JOB | {"kind": services.CHOOSE_MODELS, "title": "Choose forecast models"}
        ),
    }

    def get_queryset(self) -> "QuerySet[ChannelForecast]":
        """Return what the organization forecasts."""
        return ChannelForecast.objects.select_related("channel__asset", "organization").order_by("pk")

    def list(self, request: Request) -> Response:
        """Answer a page of channels."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one channel."""
        return Response(self.get_serializer(self.get_object()).data)

    def partial_update(self, request: Request, pk: int) -> Response:
        """Switch it on or off, or force a model; an empty model leaves it to the back-test."""
        own: ChannelForecast = self.get_object()
        form = self.get_serializer(own, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        changed = services.update_own_forecast(own=own, values=form.validated_data)
        return Response(self.get_serializer(changed).data)

    @extend_schema(request=None, responses=LeagueSerializer)
    @action(detail=False, methods=["get"])
    def league(self, request: Request) -> Response:
        """Answer how good each model is by kind of channel, the best first."""
        return Response({"models": league(self.get_queryset())})

    @extend_schema(request=ForecastsAskedSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def forecast(self, request: Request) -> Response:
        """Forecast now; the answer is the job that does it, and its result says what was left out and why."""
        form = ForecastsAskedSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        job = services.request_forecasts(
            organization=self.organization, idempotency_key=self.idempotency_key, **form.validated_data
        )
        return accepted(job, request)

    @extend_schema(request=ChoiceAskedSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def choose(self, request: Request) -> Response:
        """Back-test the models now, which chooses the best for each channel; the answer is the job that does it."""
        form = ChoiceAskedSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        job = services.request_model_choice(
            organization=self.organization, idempotency_key=self.idempotency_key, **form.validated_data
        )
        return accepted(job, request)
