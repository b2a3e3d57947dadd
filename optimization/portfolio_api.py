"""Portfolio runs in the API: ask for the plans of many sites, follow them, and read what became of each site."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Portfolio, Site
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import check_names, day, row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example
from flexplatform.jobs.models import Job
from optimization.comparison_api import (
    COMPARISON,
    SITE_DIFFERENCE,
    OptionsSerializer,
    PortfolioComparisonSerializer,
)
from optimization.engine import SOLVERS, ProblemError
from optimization.models import PlannedSite, PortfolioRun
from optimization.portfolio_comparison import compared_portfolios, site_differences
from optimization.portfolio_runs import MOST_SITES_BY_ID, SECONDS_PER_SITE, request_portfolio_run
from optimization.services import REQUEST_GAP

PORTFOLIO_RUN: dict[str, Any] = {
    "id": 5,
    "job": 7,
    "status": "running",
    "portfolio": None,
    "day": "2026-11-22",
    "start": None,
    "step_seconds": None,
    "count": None,
    "solver": "milp",
    "gap": 0.001,
    "time_limit": 10.0,
    "site_count": 1000,
    "planned": 400,
    "unchanged": 10,
    "failed": 2,
    "sites_per_second": 37.2,
    "seconds_left": 15.8,
    "created_at": "2026-11-21T12:00:00Z",
}
PLANNED_SITE: dict[str, Any] = {
    "id": 12,
    "portfolio_run": 5,
    "site": 1,
    "outcome": "planned",
    "run": 3,
    "saving_eur": 1.306886,
    "reason": "",
}
PORTFOLIO_JOB = JOB | {
    "kind": "schedule_portfolio",
    "title": "Plan all sites on 22 November 2026",
    "result": {"portfolio_run": 5},
}


class PortfolioRunSerializer(serializers.ModelSerializer[PortfolioRun]):
    """Schedules of many sites, and how far they are; its `job` says how it ends and can be cancelled."""

    job = serializers.IntegerField(source="job_id")
    status = serializers.ChoiceField(source="job.status", choices=Job.Status.choices)
    portfolio = serializers.IntegerField(source="portfolio_id", allow_null=True)
    sites_per_second = serializers.FloatField()
    seconds_left = serializers.FloatField(allow_null=True)

    class Meta:
        model = PortfolioRun
        fields = list(PORTFOLIO_RUN)
        read_only_fields = fields


class PlannedSiteSerializer(serializers.ModelSerializer[PlannedSite]):
    """What became of one site: `run` is its new schedule, or the one that it had already; `reason` says why not."""

    portfolio_run = serializers.IntegerField(source="portfolio_run_id")
    site = serializers.IntegerField(source="site_id")
    run = serializers.IntegerField(source="run_id", allow_null=True)

    class Meta:
        model = PlannedSite
        fields = list(PLANNED_SITE)
        read_only_fields = fields


class PlanManySerializer(serializers.Serializer[Any]):
    """A local day to plan for many sites."""

    day = serializers.DateField(help_text="Local day of each site")
    portfolio = serializers.IntegerField(
        default=None, allow_null=True, help_text="Id of a portfolio; empty: the sites of all portfolios"
    )
    sites = serializers.ListField(
        child=serializers.IntegerField(),
        default=None,
        allow_null=True,
        max_length=MOST_SITES_BY_ID,
        help_text="Ids of the sites to plan; empty: all",
    )
    solver = serializers.ChoiceField(choices=list(SOLVERS), default="milp")
    gap = serializers.FloatField(default=REQUEST_GAP, help_text="Relative gap that is good enough")
    time_limit = serializers.FloatField(default=SECONDS_PER_SITE, help_text="Seconds for the solver, per site")
    options = OptionsSerializer(required=False)


class PortfolioRunViewSet(TenantViewSet):
    """Schedules of many sites by one request; sites whose inputs did not change keep the schedule they have."""

    serializer_class = PortfolioRunSerializer
    needs = {
        "list": permissions.VIEW_SCHEDULES,
        "retrieve": permissions.VIEW_SCHEDULES,
        "create": permissions.RUN_SCHEDULES,
        "compare": permissions.VIEW_SCHEDULES,
    }
    filters = {
        "portfolio": row("portfolio", Portfolio),
        "status": same("job__status", Job.Status.values),
        "day": day("day"),
    }
    orderings = ("created_at",)
    keyed_by_job = frozenset({"create"})
    examples = {
        "list": Example(answer=PORTFOLIO_RUN),
        "retrieve": Example(answer=PORTFOLIO_RUN),
        "create": Example(request={"day": "2026-11-22"}, answer=PORTFOLIO_JOB),
        "compare": Example(answer={**COMPARISON, "sites": [SITE_DIFFERENCE]}),
    }

    def get_queryset(self) -> QuerySet[PortfolioRun]:
        """Return the organization's runs with their jobs."""
        return PortfolioRun.objects.select_related("job")

    def list(self, request: Request) -> Response:
        """Answer a page of portfolio runs, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one portfolio run and how far it is."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=PlanManySerializer, responses={202: JobSerializer})
    def create(self, request: Request) -> Response:
        """Ask for the plans of many sites; the answer is the job that makes them, its result names the run."""
        form = PlanManySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        portfolio = asked["portfolio"]
        if portfolio is not None:
            portfolio = cast("Portfolio", self.own_row("portfolio", portfolio, Portfolio.objects.all()))
        try:
            run = request_portfolio_run(
                organization=self.organization,
                when=asked["day"],
                portfolio=portfolio,
                sites=asked["sites"],
                solver=asked["solver"],
                gap=asked["gap"],
                time_limit=asked["time_limit"],
                options=asked.get("options"),
                idempotency_key=self.idempotency_key,
            )
        except ProblemError as error:
            raise ValidationError({error.field: str(error)}) from error
        return accepted(run.job, request)

    @extend_schema(
        parameters=[OpenApiParameter("portfolio_run", int, required=True, description="The run to compare it with")],
        responses=PortfolioComparisonSerializer,
    )
    @action(detail=True, methods=["get"])
    def compare(self, request: Request, pk: int) -> Response:
        """Answer this run (before) and another one (after) site by site, the greatest difference of cost first."""
        check_names(request.query_params, ("portfolio_run",))
        before: PortfolioRun = self.get_object()
        asked = request.query_params.get("portfolio_run")
        after = cast("PortfolioRun", self.own_row("portfolio_run", asked, PortfolioRun.objects.all()))
        sites = site_differences(before, after)
        figures = compared_portfolios(sites)
        body = {"before": before.pk, "after": after.pk, "figures": figures, "sites": sites}
        return Response(PortfolioComparisonSerializer(body).data)


class PlannedSiteViewSet(TenantViewSet):
    """What became of each site of portfolio runs."""

    serializer_class = PlannedSiteSerializer
    needs = {"list": permissions.VIEW_SCHEDULES}
    filters = {
        "portfolio_run": row("portfolio_run", PortfolioRun),
        "site": row("site", Site),
        "outcome": same("outcome", PlannedSite.Outcome.values),
    }
    orderings = ("saving_eur",)
    examples = {"list": Example(answer=PLANNED_SITE)}

    def get_queryset(self) -> QuerySet[PlannedSite]:
        """Return the results of the organization's runs."""
        return PlannedSite.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of results; `?ordering=-saving_eur` puts the sites that save most first."""
        return self.page(self.get_queryset())
