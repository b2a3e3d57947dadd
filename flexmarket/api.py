"""Flexibility offers in the API, as tables and as the files that markets take."""

from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Site
from flexmarket.engine.exporters import EXPORTERS
from flexmarket.engine.methods import METHODS
from flexmarket.models import SERIES, FlexibilityOffers
from flexmarket.quantifying import QUANTIFY, request_quantified
from flexmarket.queries import DEFAULT_METHOD
from flexmarket.views import archive_of
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.csv import CsvRenderer
from flexplatform.api.filters import check_names, refused, row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example
from flexplatform.api.series import SeriesTable, TableResponse
from optimization.models import ScheduleRun

MARKETS = sorted(EXPORTERS)


OFFER: dict[str, Any] = {
    "id": 4,
    "run": 3,
    "device": "battery",
    "kind": "battery",
    "method": "opentumflex",
    "start": "2026-11-21T23:00:00Z",
    "step": 900,
    "columns": {
        "scheduled_power_kw": [2.5, 0.0],
        "positive_power_kw": [2.5, 0.0],
        "negative_power_kw": [0.0, 2.5],
        "positive_energy_kwh": [1.25, 0.0],
        "negative_energy_kwh": [0.0, 1.25],
        "positive_price_eur_per_kwh": [0.31, 0.31],
        "negative_price_eur_per_kwh": [-0.24, -0.24],
    },
}
OFFER_CSV = (
    "time,battery.scheduled_power_kw,battery.positive_power_kw\n2026-11-21T23:00:00Z,2.5,2.5\n"
    "2026-11-21T23:15:00Z,0.0,0.0\n"
)


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


class QuantifySerializer(serializers.Serializer[Any]):
    """The plan whose flexibility is wanted, and the method."""

    run = serializers.IntegerField(help_text="Id of the schedule run")
    method = serializers.ChoiceField(
        choices=sorted(METHODS),
        help_text="opentumflex: rules of thumb, made with every plan; exact: only offers that can be kept",
    )


class OfferViewSet(TenantViewSet):
    """Flexibility offers of runs: those of `opentumflex` are made with every plan, those of `exact` on request."""

    serializer_class = OfferSerializer
    needs = {
        "list": permissions.VIEW_OFFERS,
        "retrieve": permissions.VIEW_OFFERS,
        "create": permissions.RUN_SCHEDULES,
        "export": permissions.EXPORT_OFFERS,
    }
    filters = {
        "run": row("run", ScheduleRun),
        "site": row("run__site", Site),
        "device": same("device"),
        "kind": same("kind"),
        "method": same("method", sorted(METHODS)),
    }
    csv_answers = frozenset({"list", "retrieve"})
    keyed_by_job = frozenset({"create"})
    examples = {
        "list": Example(answer=OFFER, answer_csv=OFFER_CSV),
        "retrieve": Example(answer=OFFER, answer_csv=OFFER_CSV),
        "create": Example(
            request={"run": 3, "method": "exact"},
            answer=JOB | {"kind": QUANTIFY, "title": "Quantify Dachau 1 (exact)"},
        ),
        "export": Example(),
    }

    def get_queryset(self) -> QuerySet[FlexibilityOffers]:
        """Return the organization's offers with their runs."""
        return FlexibilityOffers.objects.select_related("run")

    def list(self, request: Request) -> Response:
        """Answer a page of offers, newest first; as CSV all offers of one run."""
        if getattr(request.accepted_renderer, "format", "") != CsvRenderer.format:
            return self.page(self.get_queryset())
        if "run" not in request.query_params:
            raise ValidationError({"run": "run is missing; a table in CSV holds the offers of one run."})
        offers = self.filter_queryset(self.get_queryset())
        if "method" not in request.query_params:
            offers = offers.filter(method=DEFAULT_METHOD)
        return TableResponse(None, _table(list(offers.order_by("id"))))

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer the offers of one device."""
        offers = self.get_object()
        return TableResponse(self.get_serializer(offers).data, _table([offers]))

    @extend_schema(request=QuantifySerializer, responses={202: JobSerializer})
    def create(self, request: Request) -> Response:
        """Quantify the flexibility of a run by a method; the answer is the job that does it, in seconds to a minute."""
        form = QuantifySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        runs = ScheduleRun.objects.select_related("site", "organization")
        run = cast("ScheduleRun", self.own_row("run", form.validated_data["run"], runs))
        job = request_quantified(run=run, method=form.validated_data["method"], idempotency_key=self.idempotency_key)
        return accepted(job, request)

    @extend_schema(
        parameters=[
            OpenApiParameter("run", int, required=True),
            OpenApiParameter("market", str, enum=MARKETS, required=True),
            OpenApiParameter("method", str, enum=sorted(METHODS), default=DEFAULT_METHOD),
        ],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    @action(detail=False, methods=["get"])
    def export(self, request: Request) -> HttpResponse:
        """Answer the market's files of a run, one per device, in one ZIP archive."""
        asked = request.query_params
        check_names(asked, ("run", "market", "method"))
        market = asked.get("market", "")
        if market not in EXPORTERS:
            raise refused("market", market or "missing", ", ".join(MARKETS))
        method = asked.get("method", DEFAULT_METHOD)
        if method not in METHODS:
            raise refused("method", method, ", ".join(sorted(METHODS)))
        run = cast("ScheduleRun", self.own_row("run", asked.get("run"), ScheduleRun.objects.select_related("site")))
        archive = archive_of(run, market, method)
        if archive is None:
            raise refused("run", run.pk, f"the id of a run that has offers by the method {method}")
        return archive


def _table(offers: list[FlexibilityOffers]) -> SeriesTable:
    """Return one column `device.quantity` per series of offers of one run.

    Raises:
        NotFound: where there are none.
    """
    if not offers:
        raise NotFound("The run has no such offers.")
    columns = {
        f"{each.device}.{name}": getattr(each.table, name)
        for each in offers
        for name in SERIES
        if getattr(each.table, name) is not None
    }
    return SeriesTable(offers[0].run.start, offers[0].run.step_seconds, columns)
