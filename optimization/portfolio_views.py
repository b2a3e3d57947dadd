"""Pages of portfolio runs: ask for one, watch it, read what became of each site."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.db.models.expressions import OrderBy
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from flexplatform.accounts import permissions
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.queries import may_cancel
from flexplatform.portal.views import OrganizationMixin
from optimization.engine import ProblemError
from optimization.forms import PlanForm
from optimization.models import PlannedSite, PortfolioRun
from optimization.portfolio_runs import request_portfolio_run

RESULTS_PER_PAGE = 100
MOST_OTHERS = 50
# How the results may be ordered, by what the address says.
ORDERS: dict[str, tuple[str | OrderBy, str]] = {
    "-saving": ("-saving_eur", "id"),
    "saving": ("saving_eur", "id"),
    "-cost": (F("run__total_cost_eur").desc(nulls_last=True), "id"),
    "cost": (F("run__total_cost_eur").asc(nulls_last=True), "id"),
    "site": ("site__name", "id"),
    "-site": ("-site__name", "id"),
}


class PortfolioRunList(OrganizationMixin, ListView):
    """Every portfolio run, newest first."""

    permission = permissions.VIEW_SCHEDULES
    template_name = "optimization/portfolio_runs.html"
    context_object_name = "runs"
    paginate_by = 50

    def get_queryset(self) -> Any:
        """Return the organization's runs with their jobs."""
        return PortfolioRun.objects.filter(organization=self.organization).select_related("job")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the runs and whether the member may start more."""
        may_plan = self.tenant_request.membership.may(permissions.RUN_SCHEDULES)
        return super().get_context_data(**{**kwargs, "may_plan": may_plan})


class PortfolioRunPage(OrganizationMixin, TemplateView):
    """One portfolio run: how far it is, and its sites, those that save most first."""

    permission = permissions.VIEW_SCHEDULES
    template_name = "optimization/portfolio_run.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the run with a page of its sites; `?outcome=failed` shows only those that failed."""
        runs = PortfolioRun.objects.filter(organization=self.organization)
        runs = runs.select_related("job__organization", "job__requested_by", "job__requested_by_token")
        run = get_object_or_404(runs, pk=self.kwargs["portfolio_run"])
        results = PlannedSite.objects.filter(portfolio_run=run).select_related("site", "run__site")
        outcome = self.request.GET.get("outcome", "")
        if outcome in PlannedSite.Outcome.values:
            results = results.filter(outcome=outcome)
        order = self.request.GET.get("order", "")
        ranked = results.order_by(*ORDERS.get(order, ORDERS["-saving"]))
        page = Paginator(ranked, RESULTS_PER_PAGE).get_page(self.request.GET.get("page"))
        others = runs.exclude(pk=run.pk).filter(job__finished_at__isnull=False)
        return super().get_context_data(
            **{
                **kwargs,
                "run": run,
                "job": run.job,
                "results": page,
                "outcome": outcome if outcome in PlannedSite.Outcome.values else "",
                "outcomes": PlannedSite.Outcome.choices,
                "order": order if order in ORDERS else "-saving",
                "others": others[:MOST_OTHERS],
                "may_cancel": may_cancel(run.job, self.tenant_request.membership),
            }
        )


class PlanAllSites(OrganizationMixin):
    """Asks for new plans of a local day of all sites; sending the same form twice gives the same run."""

    permission = permissions.RUN_SCHEDULES
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make the run and show it; a form that cannot be read leads back with the reason."""
        form = PlanForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was planned: {reason}").format(reason=form.reason))
            return redirect("overview", self.organization.slug)
        try:
            run = request_portfolio_run(
                organization=self.organization,
                when=form.cleaned_data["day"],
                idempotency_key=form.cleaned_data["key"],
            )
        except (ProblemError, JobConflictError) as error:
            messages.error(request, _("Nothing was planned: {reason}").format(reason=error))
            return redirect("overview", self.organization.slug)
        return redirect("portfolio_run", self.organization.slug, run.pk)
