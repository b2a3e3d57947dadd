"""Two runs of a scenario side by side."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from flexmarket.lab.charts import compared_runs, overlaid_charts
from flexmarket.lab.labels import described
from flexmarket.lab.views import ScenarioMixin
from flexmarket.models import Scenario
from flexplatform.portal.charts import CHART_SCRIPTS
from optimization.comparison import chosen_pair


class ChooseScenarioRuns(ScenarioMixin):
    """Leads from two chosen runs to the address of their comparison."""

    def get(self, request: HttpRequest, scenario: int) -> HttpResponseBase:
        """Redirect; back to the scenario where the choice is none."""
        found = get_object_or_404(Scenario.objects.filter(organization=self.organization), pk=scenario)
        pair = chosen_pair(request.GET)
        if pair is None or self.runs().filter(pk__in=pair).count() < 2:
            messages.error(request, _("Choose two different runs to compare."))
            return redirect("scenario", self.organization.slug, found.pk)
        return redirect("scenario_compare", self.organization.slug, found.pk, *pair)


class ScenarioComparison(ScenarioMixin, TemplateView):
    """Two runs of a scenario side by side, at an address that stays."""

    template_name = "flexmarket/scenario_compare.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return both runs with their figures, and what was changed in each."""
        before, after = self.solved_run("before"), self.solved_run("after")
        changes = {
            described(name): (before.changes.get(name, "="), after.changes.get(name, "="))
            for name in before.changes | after.changes
        }
        shown = {
            "scenario": before.scenario,
            "before": before,
            "after": after,
            "figures": compared_runs(before, after),
            "changes": changes,
            "runs": [run for run in self.runs() if run.solved],
            "scripts": CHART_SCRIPTS,
        }
        return super().get_context_data(**{**kwargs, **shown})


class ScenarioComparisonCharts(ScenarioMixin):
    """Grid power and contents of two runs as JSON."""

    def get(self, _request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws."""
        return JsonResponse(overlaid_charts(self.solved_run("before"), self.solved_run("after")).as_json())
