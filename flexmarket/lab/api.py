"""The scenario lab in the API: upload or pick a scenario, solve it, change numbers, compare, download everything."""

import base64
import binascii
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from flexmarket.engine.methods import DEFAULT_METHOD, METHODS
from flexmarket.lab.charts import compared_runs
from flexmarket.lab.inputs import problem_of
from flexmarket.lab.numbers import numbers_of
from flexmarket.lab.queries import scenarios_newest_first, series_by_role
from flexmarket.lab.services import (
    ScenarioBusyError,
    create_scenario,
    delete_scenario,
    request_scenario_run,
)
from flexmarket.lab.views import archive_of
from flexmarket.models import Scenario, ScenarioRun
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.errors import Conflict
from flexplatform.api.filters import check_names, row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example
from flexplatform.api.series import SeriesTable, TableResponse, series_body
from flexplatform.jobs.models import Job
from optimization.api import series_columns
from optimization.comparison_api import COMPARISON, ComparedSerializer, ComparisonSerializer
from optimization.engine import SOLVERS, ProblemError
from optimization.scenarios import SCENARIOS, InputError
from optimization.services import REQUEST_GAP, REQUEST_SECONDS

SITE = "site"
MOST_ERRORS = 200
SCENARIO: dict[str, Any] = {
    "id": 4,
    "name": "Apartment on a winter day",
    "template": "apartment",
    "file_name": "",
    "day": "2026-11-22",
    "time_zone": "Europe/Berlin",
    "step_minutes": 15,
    "created_at": "2026-11-21T12:00:00Z",
}
NUMBERS: dict[str, Any] = {"bat.capacity_kwh": 5.0, "connection.import_limit_kw": None, "scale:load.demand_kw": 1.0}
SUMMARY: dict[str, Any] = {"total_cost_eur": 1.81, "baseline_cost_eur": 2.4, "saving_eur": 0.59, "status": "optimal"}
RUN: dict[str, Any] = {
    "id": 6,
    "scenario": 4,
    "job": 7,
    "status": "succeeded",
    "label": "Twice the battery",
    "changes": {"bat.capacity_kwh": 10.0},
    "solver": "milp",
    "gap": 0.001,
    "time_limit": 60.0,
    "method": "opentumflex",
    "summary": SUMMARY,
    "created_at": "2026-11-21T12:00:03Z",
}
SERIES: dict[str, Any] = {
    "plan": {"site": {"grid_power_kw": {"start": "2026-11-21T23:00:00Z", "step": 900, "values": [2.0, 2.0, 0.5]}}}
}
SERIES_CSV = "time,plan.site.grid_power_kw\n2026-11-21T23:00:00Z,2.0\n2026-11-21T23:15:00Z,2.0\n"


class ScenarioSerializer(serializers.ModelSerializer[Scenario]):
    """A site to try things with: a named scenario, or an uploaded file."""

    class Meta:
        model = Scenario
        fields = ["id", "name", "template", "file_name", "day", "time_zone", "step_minutes", "created_at"]
        read_only_fields = fields


class ScenarioWithNumbersSerializer(ScenarioSerializer):
    """A scenario with every number that a run may change, by name; null is "no limit"."""

    numbers = serializers.SerializerMethodField()

    class Meta(ScenarioSerializer.Meta):
        fields = [*ScenarioSerializer.Meta.fields, "numbers"]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_numbers(self, scenario: Scenario) -> dict[str, Any]:
        """Return the numbers as the input gives them."""
        return {number.name: number.value for number in numbers_of(problem_of(scenario))}


class NewScenarioSerializer(serializers.Serializer[Any]):
    """A named scenario (`template`), or a file in base64 with its name."""

    name = serializers.CharField(max_length=100)
    day = serializers.DateField(help_text="Local day to plan")
    time_zone = serializers.CharField(default="Europe/Berlin", max_length=60)
    step_minutes = serializers.IntegerField(default=15)
    template = serializers.ChoiceField(choices=list(SCENARIOS), required=False)
    file_name = serializers.CharField(required=False, max_length=200, help_text="Ends in .csv or .xlsx")
    file = serializers.CharField(required=False, help_text="An OpenTUMFlex file, in base64")


class ScenarioRunSerializer(serializers.ModelSerializer[ScenarioRun]):
    """A scenario planned with changed numbers; its `job` says how far it is and can be cancelled."""

    scenario = serializers.IntegerField(source="scenario_id")
    job = serializers.IntegerField(source="job_id")
    status = serializers.ChoiceField(source="job.status", choices=Job.Status.choices)
    changes = serializers.DictField()
    summary = serializers.DictField(help_text="Empty until it is solved")

    class Meta:
        model = ScenarioRun
        fields = list(RUN)
        read_only_fields = fields


class ScenarioRunWithSeriesSerializer(ScenarioRunSerializer):
    """A run with its series by role (plan, baseline, input, offers), device ("site" for the meter) and quantity."""

    series = serializers.SerializerMethodField()

    class Meta(ScenarioRunSerializer.Meta):
        fields = [*ScenarioRunSerializer.Meta.fields, "series"]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_series(self, run: ScenarioRun) -> dict[str, Any]:
        """Return every series of the run."""
        horizon = run.scenario.horizon
        step = round(horizon.step.total_seconds())
        return {
            role: {
                device or SITE: {name: series_body(horizon.start, step, values) for name, values in quantities.items()}
                for device, quantities in devices.items()
            }
            for role, devices in self.context["series"].items()
        }


class WhatIfSerializer(serializers.Serializer[Any]):
    """What to solve: a scenario, with some of its numbers changed."""

    scenario = serializers.IntegerField(help_text="Id of the scenario")
    label = serializers.CharField(default="", allow_blank=True, max_length=100)  # type: ignore[assignment]
    changes = serializers.DictField(default=dict, help_text="Changed numbers by name, as `numbers` of the scenario")
    solver = serializers.ChoiceField(choices=list(SOLVERS), default="milp")
    gap = serializers.FloatField(default=REQUEST_GAP, help_text="Relative gap that is good enough")
    time_limit = serializers.FloatField(default=REQUEST_SECONDS, help_text="Seconds for the solver")
    method = serializers.ChoiceField(
        choices=sorted(METHODS), default=DEFAULT_METHOD, help_text="How offers are quantified; exact takes longer"
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode(errors="replace"), validate=True)
    except binascii.Error as error:
        raise ValidationError({"file": "file is no base64; allowed: the bytes of a file in base64."}) from error


class ScenarioViewSet(TenantViewSet):
    """Scenarios of the lab."""

    serializer_class = ScenarioSerializer
    needs = {
        "list": permissions.VIEW_SCHEDULES,
        "retrieve": permissions.VIEW_SCHEDULES,
        "create": permissions.RUN_SCHEDULES,
        "destroy": permissions.RUN_SCHEDULES,
    }
    filters = {"template": same("template", SCENARIOS)}
    examples = {
        "list": Example(answer=SCENARIO),
        "retrieve": Example(answer={**SCENARIO, "numbers": NUMBERS}),
        "create": Example(
            request={"name": "Apartment on a winter day", "template": "apartment", "day": "2026-11-22"},
            answer=SCENARIO,
        ),
    }

    def get_queryset(self) -> QuerySet[Scenario]:
        """Return the organization's scenarios."""
        return scenarios_newest_first()

    def list(self, request: Request) -> Response:
        """Answer a page of scenarios, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(responses=ScenarioWithNumbersSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one scenario with every number that a run may change."""
        return Response(ScenarioWithNumbersSerializer(self.get_object()).data)

    @extend_schema(request=NewScenarioSerializer, responses={201: ScenarioSerializer})
    def create(self, request: Request) -> Response:
        """Store a scenario; a file is refused with everything that is wrong in it, each by its cell."""
        form = NewScenarioSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = {**form.validated_data}
        text = asked.pop("file", None)
        try:
            data = None if text is None else _decoded(text)
            scenario = create_scenario(organization=self.organization, data=data, **asked)
        except ProblemError as error:
            raise ValidationError({error.field: str(error)}) from error
        except InputError as error:
            raise ValidationError({"file": [str(each) for each in error.all[:MOST_ERRORS]]}) from error
        return Response(self.get_serializer(scenario).data, status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a scenario with its runs."""
        try:
            delete_scenario(scenario=self.get_object())
        except ScenarioBusyError as error:
            raise Conflict(str(error)) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


class ScenarioRunViewSet(TenantViewSet):
    """Runs of scenarios."""

    serializer_class = ScenarioRunSerializer
    needs = {
        "list": permissions.VIEW_SCHEDULES,
        "retrieve": permissions.VIEW_SCHEDULES,
        "create": permissions.RUN_SCHEDULES,
        "compare": permissions.VIEW_SCHEDULES,
        "archive": permissions.EXPORT_OFFERS,
    }
    filters = {"scenario": row("scenario", Scenario), "status": same("job__status", Job.Status.values)}
    csv_answers = frozenset({"retrieve"})
    keyed_by_job = frozenset({"create"})
    examples = {
        "list": Example(answer=RUN),
        "retrieve": Example(answer={**RUN, "series": SERIES}, answer_csv=SERIES_CSV),
        "create": Example(
            request={"scenario": 4, "label": "Twice the battery", "changes": {"bat.capacity_kwh": 10.0}},
            answer=JOB
            | {
                "kind": "solve_scenario",
                "title": "Solve Apartment on a winter day: Twice the battery",
                "result": {"scenario_run": 6},
            },
        ),
        "compare": Example(answer=COMPARISON),
        "archive": Example(),
    }

    def get_queryset(self) -> QuerySet[ScenarioRun]:
        """Return the organization's runs with their jobs."""
        return ScenarioRun.objects.select_related("job", "scenario").defer("scenario__file")

    def list(self, request: Request) -> Response:
        """Answer a page of runs, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(responses=ScenarioRunWithSeriesSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one run with every series; as CSV one column `role.device.quantity` per series."""
        run: ScenarioRun = self.get_object()
        series = series_by_role(run)
        columns = series_columns(series)
        body = ScenarioRunWithSeriesSerializer(run, context={"series": series}).data
        horizon = run.scenario.horizon
        return TableResponse(body, SeriesTable(horizon.start, round(horizon.step.total_seconds()), columns))

    @extend_schema(request=WhatIfSerializer, responses={202: JobSerializer})
    def create(self, request: Request) -> Response:
        """Ask for a run; the answer is the job that solves it."""
        form = WhatIfSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = {**form.validated_data}
        scenario = cast("Scenario", self.own_row("scenario", asked.pop("scenario"), Scenario.objects.all()))
        try:
            run = request_scenario_run(scenario=scenario, idempotency_key=self.idempotency_key, **asked)
        except ProblemError as error:
            raise ValidationError({error.field: str(error)}) from error
        except InputError as error:
            raise ValidationError({"scenario": str(error)}) from error
        return accepted(run.job, request)

    @extend_schema(
        parameters=[OpenApiParameter("scenario_run", int, required=True, description="The run to compare it with")],
        responses=ComparisonSerializer,
    )
    @action(detail=True, methods=["get"])
    def compare(self, request: Request, pk: int) -> Response:
        """Answer the figures of this run (before) and of another one of the same scenario (after)."""
        check_names(request.query_params, ("scenario_run",))
        before: ScenarioRun = self.get_object()
        others = self.get_queryset().filter(scenario=before.scenario_id)
        after = cast("ScenarioRun", self.own_row("scenario_run", request.query_params.get("scenario_run"), others))
        if not (before.solved and after.solved):
            raise ValidationError({"scenario_run": "One of the two is not solved; allowed: runs that have succeeded."})
        figures = ComparedSerializer(compared_runs(before, after), many=True).data
        return Response({"before": before.pk, "after": after.pk, "figures": figures})

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def archive(self, request: Request, pk: int) -> HttpResponse:
        """Answer everything of a run in one ZIP archive: input, schedule, offers of every market, plots, summary."""
        archive = archive_of(self.get_object())
        if archive is None:
            raise NotFound("The run is not solved.")
        return archive
