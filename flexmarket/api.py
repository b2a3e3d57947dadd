"""Flexibility offers in the API, as tables and as the files that markets take."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from flexmarket.engine.exporters import EXPORTERS
from flexmarket.models import FlexibilityOffers
from flexmarket.views import archive_of
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from optimization.models import ScheduleRun

MARKETS = sorted(EXPORTERS)


class OfferSerializer(serializers.ModelSerializer[FlexibilityOffers]):
    """What a device could do differently in each step of a run, for how long and at what price."""

    run = serializers.IntegerField(source="run_id")
    start = serializers.DateTimeField(source="run.start")
    step = serializers.IntegerField(source="run.step_seconds", help_text="Length of a step in seconds")
    columns = serializers.SerializerMethodField()

    class Meta:
        model = FlexibilityOffers
        fields = ["id", "run", "device", "kind", "method", "start", "step", "columns"]
        read_only_fields = fields

    def get_columns(self, offers: FlexibilityOffers) -> dict[str, list[float]]:
        """Return one list per column: kW, kWh and EUR/kWh; power is positive for consumption."""
        return offers.columns_as_lists


class OfferViewSet(TenantViewSet):
    """Flexibility offers of runs."""

    serializer_class = OfferSerializer
    needs = {
        "list": permissions.VIEW_OFFERS,
        "retrieve": permissions.VIEW_OFFERS,
        "export": permissions.EXPORT_OFFERS,
    }

    def get_queryset(self) -> QuerySet[FlexibilityOffers]:
        """Return the organization's offers with their runs."""
        return FlexibilityOffers.objects.select_related("run")

    @extend_schema(parameters=[OpenApiParameter("run", int), OpenApiParameter("device", str)])
    def list(self, request: Request) -> Response:
        """Answer a page of offers, newest first."""
        offers: QuerySet[FlexibilityOffers] = self.get_queryset()
        if (device := request.query_params.get("device")) is not None:
            offers = offers.filter(device=device)
        if (run := request.query_params.get("run")) is not None:
            offers = offers.filter(run=self._run(run))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(offers), many=True).data)

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer the offers of one device."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("run", int, required=True),
            OpenApiParameter("market", str, enum=MARKETS, required=True),
        ],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    @action(detail=False, methods=["get"])
    def export(self, request: Request) -> HttpResponse:
        """Answer the market's files of a run, one per device, in one ZIP archive."""
        market: Any = request.query_params.get("market")
        if market not in EXPORTERS:
            raise ValidationError({"market": f"market is {market}; allowed: {', '.join(EXPORTERS)}."})
        archive = archive_of(self._run(request.query_params.get("run")), market)
        if archive is None:
            raise Http404
        return archive

    def _run(self, pk: Any) -> ScheduleRun:
        text = str(pk)
        runs = ScheduleRun.objects.select_related("site")
        found = runs.filter(pk=int(text)).first() if text.isascii() and text.isdigit() else None
        if found is None:
            raise ValidationError({"run": f"run is {pk}; allowed: the id of a run of {self.organization.name}."})
        return found
