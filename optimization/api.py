"""Schedule runs in the API: ask for one, follow its job, read its series."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import check_names, moment, row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example
from flexplatform.api.series import SeriesTable, TableResponse, series_body
from optimization.comparison import compared, figures_of_run
from optimization.comparison_api import COMPARISON, ComparisonSerializer, OptionsSerializer
from optimization.engine import SOLVERS, Horizon, ProblemError
from optimization.engine.series import Series
from optimization.models import ScheduleRun
from optimization.portfolio_runs import FIRST_YEAR, LAST_YEAR
from optimization.queries import SeriesByName, series_by_role
from optimization.reasons import reasons_body
from optimization.services import REQUEST_GAP, REQUEST_SECONDS, request_schedule

SITE = "site"

RUN: dict[str, Any] = {
    "id": 3,
    "site": 1,
    "start": "2026-11-21T23:00:00Z",
    "step_seconds": 900,
    "count": 96,
    "solver": "milp",
    "status": "optimal",
    "total_cost_eur": 1.204417,
    "baseline_cost_eur": 2.511303,
    "cost_by_cause_eur": {"energy_eur": 1.204417},
    "co2_kg": 3.1,
    "objective_eur": 1.204417,
    "bound_eur": 1.204417,
    "gap": 0.0,
    "seconds": {"build": 0.04, "solve": 0.11, "verify": 0.01},
    "unmet": [],
    "input_sources": {
        "known_at": "2026-11-21T12:00:00Z",
        "load.demand_kw": {
            "source": "forecast",
            "quantity": "demand_kw",
            "forecasts": [7],
            "issued_at": "2026-11-21T09:00:00Z",
            "by": "Weather service",
        },
        "prices": {"source": "tariffs"},
    },
    "created_at": "2026-11-21T12:00:03Z",
}
SERIES: dict[str, Any] = {
    "plan": {"site": {"grid_power_kw": {"start": "2026-11-21T23:00:00Z", "step": 900, "values": [2.0, 2.0, 0.5]}}}
}
SERIES_CSV = "time,plan.site.grid_power_kw\n2026-11-21T23:00:00Z,2.0\n2026-11-21T23:15:00Z,2.0\n"


REASONS: dict[str, Any] = {
    "explained": True,
    "start": "2026-11-21T23:00:00Z",
    "step": 900,
    "electricity_eur_per_kwh": [0.21, 0.34],
    "heat_eur_per_kwh": [None, None],
    "stored_eur_per_kwh": {"battery": [0.3, 0.3]},
    "site": [{"why": "imports", "here_eur_per_kwh": 0.21, "text": "imports; one more kWh would cost 21.0 ct"}, None],
    "devices": {
        "battery": [
            {
                "why": "charges",
                "here_eur_per_kwh": 0.21,
                "below_eur_per_kwh": 0.285,
                "text": "charges: a kWh costs 21.0 ct now and brings 28.5 ct later, losses paid",
            },
            None,
        ]
    },
}


class RunSerializer(serializers.ModelSerializer[ScheduleRun]):
    """A verified schedule of one site over one horizon."""

    site = serializers.IntegerField(source="site_id")
    input_sources = serializers.DictField(help_text="Where prices and each device's series came from")
    bound_eur = serializers.SerializerMethodField()
    gap = serializers.SerializerMethodField()

    class Meta:
        model = ScheduleRun
        fields = [
            "id",
            "site",
            "start",
            "step_seconds",
            "count",
            "solver",
            "status",
            "total_cost_eur",
            "baseline_cost_eur",
            "cost_by_cause_eur",
            "co2_kg",
            "objective_eur",
            "bound_eur",
            "gap",
            "seconds",
            "unmet",
            "input_sources",
            "created_at",
        ]
        read_only_fields = fields

    def get_bound_eur(self, run: ScheduleRun) -> float | None:
        """Return the proven lower bound; None where nothing was proven."""
        return finite(run.bound_eur)

    def get_gap(self, run: ScheduleRun) -> float | None:
        """Return the relative gap; None where nothing was proven."""
        return finite(run.gap)


class RunWithSeriesSerializer(RunSerializer):
    """A run with its series by role (plan, baseline, input), device ("site" for the meter) and quantity."""

    series = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "series"]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_series(self, run: ScheduleRun) -> dict[str, Any]:
        """Return every series of the run."""
        return {
            role: {
                device or SITE: {
                    name: series_body(run.start, run.step_seconds, values) for name, values in quantities.items()
                }
                for device, quantities in devices.items()
            }
            for role, devices in self.context["series"].items()
        }


class ReasonsSerializer(serializers.Serializer[Any]):
    """Worths in EUR per kWh and reasons, one per step; `why` is one of the words of docs/optimization-model.md."""

    explained = serializers.BooleanField()
    start = serializers.DateTimeField()
    step = serializers.IntegerField(help_text="Seconds")
    electricity_eur_per_kwh = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    heat_eur_per_kwh = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    stored_eur_per_kwh = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True)), required=False
    )
    site = serializers.ListField(child=serializers.DictField(allow_null=True), required=False)
    devices = serializers.DictField(
        child=serializers.ListField(child=serializers.DictField(allow_null=True)), required=False
    )


def series_columns(series: Mapping[str, SeriesByName]) -> dict[str, Series]:
    """Return the series of a run by column name, `role.device.quantity`, with "site" for the meter."""
    return {
        f"{role}.{device or SITE}.{name}": values
        for role, devices in series.items()
        for device, quantities in devices.items()
        for name, values in quantities.items()
    }


class PlanSerializer(serializers.Serializer[Any]):
    """A local day of a site to plan."""

    site = serializers.IntegerField(help_text="Id of the site")
    day = serializers.DateField(help_text="Local day of the site")
    solver = serializers.ChoiceField(choices=list(SOLVERS), default="milp")
    gap = serializers.FloatField(default=REQUEST_GAP, help_text="Relative gap that is good enough")
    time_limit = serializers.FloatField(default=REQUEST_SECONDS, help_text="Seconds for the solver")
    options = OptionsSerializer(required=False)


class RunViewSet(TenantViewSet):
    """Schedules of sites."""

    serializer_class = RunSerializer
    needs = {
        "list": permissions.VIEW_SCHEDULES,
        "retrieve": permissions.VIEW_SCHEDULES,
        "create": permissions.RUN_SCHEDULES,
        "compare": permissions.VIEW_SCHEDULES,
        "reasons": permissions.VIEW_SCHEDULES,
    }
    filters = {
        "site": row("site", Site),
        "status": same("status", ScheduleRun.Status.values),
        "start_from": moment("start__gte", "Horizons that begin at this time or later"),
        "start_before": moment("start__lt", "Horizons that begin before this time"),
    }
    orderings = ("start", "created_at", "total_cost_eur")
    csv_answers = frozenset({"retrieve"})
    keyed_by_job = frozenset({"create"})
    examples = {
        "list": Example(answer=RUN),
        "retrieve": Example(answer={**RUN, "series": SERIES}, answer_csv=SERIES_CSV),
        "create": Example(request={"site": 1, "day": "2026-11-22"}, answer=JOB),
        "compare": Example(answer=COMPARISON),
        "reasons": Example(answer=REASONS),
    }

    def get_queryset(self) -> QuerySet[ScheduleRun]:
        """Return the organization's runs."""
        return ScheduleRun.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of runs, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(responses=RunWithSeriesSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one run with every series; as CSV one column `role.device.quantity` per series."""
        run: ScheduleRun = self.get_object()
        series = series_by_role(run)
        columns = series_columns(series)
        body = RunWithSeriesSerializer(run, context={"series": series}).data
        return TableResponse(body, SeriesTable(run.start, run.step_seconds, columns))

    @extend_schema(responses=ReasonsSerializer)
    @action(detail=True, methods=["get"])
    def reasons(self, request: Request, pk: int) -> Response:
        """Answer why the plan does what it does: what a kWh is worth in each step, and what each device makes of that.

        `explained` is false where the site's devices are no longer those of the plan.
        """
        return Response(reasons_body(self.get_object()))

    @extend_schema(request=PlanSerializer, responses={202: JobSerializer})
    def create(self, request: Request) -> Response:
        """Ask for a plan; the answer is the job that makes it."""
        form = PlanSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        site = cast("Site", self.own_row("site", asked["site"], Site.objects.all()))
        try:
            job = request_schedule(
                site=site,
                horizon=Horizon.market_day(_calendar_day(asked["day"]), site.zone),
                solver=asked["solver"],
                gap=asked["gap"],
                time_limit=asked["time_limit"],
                options=asked.get("options"),
                idempotency_key=self.idempotency_key,
            )
        except ProblemError as error:
            raise ValidationError({error.field: str(error)}) from error
        return accepted(job, request)

    @extend_schema(
        parameters=[OpenApiParameter("run", int, required=True, description="The run to compare it with")],
        responses=ComparisonSerializer,
    )
    @action(detail=True, methods=["get"])
    def compare(self, request: Request, pk: int) -> Response:
        """Answer the figures of this run (before) and of another one of the same site (after)."""
        check_names(request.query_params, ("run",))
        before: ScheduleRun = self.get_object()
        others = ScheduleRun.objects.filter(site=before.site_id)
        after = cast("ScheduleRun", self.own_row("run", request.query_params.get("run"), others))
        figures = compared(*(figures_of_run(run, series_by_role(run)["plan"]) for run in (before, after)))
        body = {"before": before.pk, "after": after.pk, "figures": figures}
        return Response(ComparisonSerializer(body).data)


def finite(number: float) -> float | None:
    """Return the number, or None where it is infinite and JSON has no word for it."""
    return number if math.isfinite(number) else None


def _calendar_day(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError({"day": f"day is {day}; allowed: a day between {FIRST_YEAR} and {LAST_YEAR}."})
    return day
