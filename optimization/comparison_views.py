"""Comparisons of two schedule runs of a site, and of two portfolio runs, at addresses that stay."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from assets.models import Site
from assets.queries import kinds_by_name
from flexplatform.accounts import permissions
from flexplatform.portal.charts import CHART_SCRIPTS, ChartPage
from flexplatform.portal.views import OrganizationMixin
from optimization.comparison import Side, chosen_pair, compared, figures_of_run, overlaid
from optimization.models import PortfolioRun, ScheduleRun, ScheduleSeries
from optimization.portfolio_comparison import compared_portfolios, site_differences
from optimization.queries import series_of

ROWS_PER_PAGE = 100


class SiteRuns(OrganizationMixin, ListView):
    """Every run of a site, newest first, to look at or to compare."""

    permission = permissions.VIEW_SCHEDULES
    template_name = "optimization/site_runs.html"
    context_object_name = "runs"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[ScheduleRun]:
        """Return the runs."""
        self.site = get_object_or_404(Site.objects.filter(organization=self.organization), slug=self.kwargs["site"])
        return ScheduleRun.objects.filter(site=self.site).select_related("site").order_by("-id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the runs with their site."""
        may_plan = self.tenant_request.membership.may(permissions.RUN_SCHEDULES)
        return super().get_context_data(**{**kwargs, "site": self.site, "may_plan": may_plan})


class RunPairMixin(OrganizationMixin):
    """Finds two runs of one site."""

    permission = permissions.VIEW_SCHEDULES

    def pair(self) -> tuple[ScheduleRun, ScheduleRun]:
        """Return the runs of the address; 404 where they are not of one site of the organization."""
        runs = ScheduleRun.objects.select_related("site").filter(organization=self.organization)
        before, after = (get_object_or_404(runs, pk=self.kwargs[name]) for name in ("run", "with_run"))
        if before.site_id != after.site_id:
            raise Http404
        return before, after


class ChooseRuns(OrganizationMixin):
    """Leads from two chosen runs to the address of their comparison."""

    permission = permissions.VIEW_SCHEDULES

    def get(self, request: HttpRequest, site: str) -> HttpResponseBase:
        """Redirect; back to the runs where the choice is none."""
        found = get_object_or_404(Site.objects.filter(organization=self.organization), slug=site)
        pair = chosen_pair(request.GET)
        if pair is None or ScheduleRun.objects.filter(site=found, pk__in=pair).count() < 2:
            messages.error(request, _("Choose two different runs to compare."))
            return redirect("site_runs", self.organization.slug, found.slug)
        return redirect("run_compare", self.organization.slug, *pair)


class RunComparison(RunPairMixin, TemplateView):
    """Two runs of a site side by side."""

    template_name = "optimization/run_compare.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return both runs with their figures."""
        before, after = self.pair()
        figures = compared(*(figures_of_run(run, series_of(run, ScheduleSeries.Role.PLAN)) for run in (before, after)))
        shown = {
            "site": before.site,
            "before": before,
            "after": after,
            "before_label": run_label(before),
            "after_label": run_label(after),
            "other_day": before.start != after.start,
            "figures": figures,
            "scripts": CHART_SCRIPTS,
        }
        return super().get_context_data(**{**kwargs, **shown})


class RunComparisonCharts(RunPairMixin):
    """Grid power and contents of two runs of a site as JSON."""

    def get(self, _request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws, over the day of the first run."""
        before, after = self.pair()
        kinds = kinds_by_name(before.site)
        sides = [
            Side(
                label=run_label(run),
                step_seconds=run.step_seconds,
                plan=series_of(run, ScheduleSeries.Role.PLAN),
                kinds=kinds,
            )
            for run in (before, after)
        ]
        page = ChartPage(
            start=before.start,
            step_seconds=before.step_seconds,
            count=min(before.count, after.count),
            zone=before.site.time_zone,
            charts=overlaid(*sides),
        )
        return JsonResponse(page.as_json())


class ChoosePortfolioRuns(OrganizationMixin):
    """Leads from a chosen portfolio run to the address of the comparison with it."""

    permission = permissions.VIEW_SCHEDULES

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Redirect; back to the runs where the choice is none."""
        pair = chosen_pair(request.GET)
        own = PortfolioRun.objects.filter(organization=self.organization)
        if pair is None or own.filter(pk__in=pair).count() < 2:
            messages.error(request, _("Choose two different runs to compare."))
            return redirect("portfolio_runs", self.organization.slug)
        return redirect("portfolio_compare", self.organization.slug, *pair)


class PortfolioComparison(OrganizationMixin, TemplateView):
    """Two portfolio runs site by site, the greatest difference first."""

    permission = permissions.VIEW_SCHEDULES
    template_name = "optimization/portfolio_compare.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return both runs, their sums, and a page of their sites."""
        runs = PortfolioRun.objects.filter(organization=self.organization).select_related("job")
        names = ("portfolio_run", "with_portfolio_run")
        before, after = (get_object_or_404(runs, pk=self.kwargs[name]) for name in names)
        differences = site_differences(before, after)
        shown = {
            "before": before,
            "after": after,
            "figures": compared_portfolios(differences),
            "page": Paginator(differences, ROWS_PER_PAGE).get_page(self.request.GET.get("page")),
        }
        return super().get_context_data(**{**kwargs, **shown})


def run_label(run: ScheduleRun) -> str:
    """Return what tells a run from others of its site: when it was made, and how."""
    made = run.created_at.astimezone(run.site.zone)
    return f"#{run.pk}, {run.solver}, {made:%Y-%m-%d %H:%M}"
