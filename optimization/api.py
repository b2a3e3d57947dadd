"""Schedule runs in the API: ask for one, follow its job, read its series."""

import math
from datetime import date
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.resources import JobSerializer, accepted
from optimization.engine import Horizon, ProblemError
from optimization.forms import FIRST_YEAR, LAST_YEAR
from optimization.models import ScheduleRun
from optimization.queries import series_by_role
from optimization.services import REQUEST_GAP, REQUEST_SECONDS, request_schedule

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, required=True, description="The same key gives the same job."
)

LONGEST_KEY = 200


class RunSerializer(serializers.ModelSerializer[ScheduleRun]):
    """A verified schedule of one site over one horizon."""

    site = serializers.IntegerField(source="site_id")
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
        head = {"start": run.start.isoformat(), "step": run.step_seconds}
        return {
            role: {
                device or "site": {name: {**head, "values": values.tolist()} for name, values in quantities.items()}
                for device, quantities in devices.items()
            }
            for role, devices in series_by_role(run).items()
        }


class PlanSerializer(serializers.Serializer[Any]):
    """A local day of a site to plan."""

    site = serializers.IntegerField(help_text="Id of the site")
    day = serializers.DateField(help_text="Local day of the site")
    solver = serializers.CharField(default="milp")
    gap = serializers.FloatField(default=REQUEST_GAP, help_text="Relative gap that is good enough")
    time_limit = serializers.FloatField(default=REQUEST_SECONDS, help_text="Seconds for the solver")


class RunViewSet(TenantViewSet):
    """Schedules of sites."""

    serializer_class = RunSerializer
    needs = {
        "list": permissions.VIEW_SCHEDULES,
        "retrieve": permissions.VIEW_SCHEDULES,
        "create": permissions.RUN_SCHEDULES,
    }

    def get_queryset(self) -> QuerySet[ScheduleRun]:
        """Return the organization's runs."""
        return ScheduleRun.objects.all()

    @extend_schema(parameters=[OpenApiParameter("site", int)])
    def list(self, request: Request) -> Response:
        """Answer a page of runs, newest first."""
        runs, site = self.get_queryset(), request.query_params.get("site")
        if site is not None:
            runs = runs.filter(site=self._site(site))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(runs), many=True).data)

    @extend_schema(responses=RunWithSeriesSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one run with every series."""
        return Response(RunWithSeriesSerializer(self.get_object()).data)

    @extend_schema(request=PlanSerializer, responses={202: JobSerializer}, parameters=[IDEMPOTENCY])
    def create(self, request: Request) -> Response:
        """Ask for a plan; the answer is the job that makes it."""
        key = request.headers.get("Idempotency-Key", "").strip()
        if not key or len(key) > LONGEST_KEY:
            raise ValidationError(
                {"Idempotency-Key": f"The header is missing or longer than {LONGEST_KEY} characters."}
            )
        form = PlanSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        site = self._site(asked["site"])
        try:
            job = request_schedule(
                site=site,
                horizon=Horizon.market_day(_calendar_day(asked["day"]), site.zone),
                solver=asked["solver"],
                gap=asked["gap"],
                time_limit=asked["time_limit"],
                idempotency_key=key,
            )
        except ProblemError as error:
            raise ValidationError({error.field: str(error)}) from error
        return accepted(job, request)

    def _site(self, pk: Any) -> Site:
        text = str(pk)
        found = Site.objects.filter(pk=int(text)).first() if text.isascii() and text.isdigit() else None
        if found is None:
            raise ValidationError({"site": f"site is {pk}; allowed: the id of a site of {self.organization.name}."})
        return found


def finite(number: float) -> float | None:
    """Return the number, or None where it is infinite and JSON has no word for it."""
    return number if math.isfinite(number) else None


def _calendar_day(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError({"day": f"day is {day}; allowed: a day between {FIRST_YEAR} and {LAST_YEAR}."})
    return day
