"""Pages of the lab: begin a scenario, look at its input, change numbers, solve, download."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from flexmarket.lab.charts import run_charts
from flexmarket.lab.forms import ScenarioForm, WhatIfForm
from flexmarket.lab.input_tables import Checked, checked_tables, parameters_of, series_table
from flexmarket.lab.inputs import parameters_of_file, series_of
from flexmarket.lab.labels import described
from flexmarket.lab.queries import runs_of, scenarios_newest_first
from flexmarket.lab.services import ScenarioBusyError, create_scenario, delete_scenario, request_scenario_run
from flexmarket.method_words import METHOD_WORDS
from flexmarket.models import Scenario, ScenarioArchive, ScenarioRun
from flexplatform.accounts import permissions
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import new_key
from flexplatform.jobs.queries import may_cancel
from flexplatform.portal.charts import CHART_SCRIPTS
from flexplatform.portal.views import OrganizationMixin
from optimization.engine import ProblemError
from optimization.live import LiveMixin
from optimization.scenarios import InputError, tables_of

PERCENT = 100
STYLES = ("flexmarket/flexmarket.css",)


class ScenarioMixin(OrganizationMixin):
    """Finds the scenario and the runs of the address within the organization."""

    permission = permissions.VIEW_SCHEDULES

    def scenario(self) -> Scenario:
        """Return the scenario; one of another organization does not exist here."""
        return get_object_or_404(Scenario.objects.filter(organization=self.organization), pk=self.kwargs["scenario"])

    def runs(self) -> QuerySet[ScenarioRun]:
        """Return the runs of the scenario of the address, with their jobs."""
        found = ScenarioRun.objects.filter(organization=self.organization, scenario__id__exact=self.kwargs["scenario"])
        related = ("scenario", "job__organization", "job__requested_by", "job__requested_by_token")
        return found.select_related(*related).defer("scenario__file")

    def solved_run(self, name: str) -> ScenarioRun:
        """Return the solved run that the address calls `name`."""
        run = get_object_or_404(self.runs(), pk=self.kwargs[name])
        if not run.solved:
            raise Http404
        return run


class ScenarioList(OrganizationMixin, ListView):
    """Every scenario, newest first."""

    permission = permissions.VIEW_SCHEDULES
    template_name = "flexmarket/scenarios.html"
    context_object_name = "scenarios"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Scenario]:
        """Return the organization's scenarios."""
        return scenarios_newest_first().filter(organization=self.organization)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the scenarios and whether the member may make more."""
        may_run = self.tenant_request.membership.may(permissions.RUN_SCHEDULES)
        return super().get_context_data(**{**kwargs, "may_run": may_run})


class NewScenario(OrganizationMixin, TemplateView):
    """Takes a file or a named scenario; a file that cannot be used is shown with every error at its cell."""

    permission = permissions.RUN_SCHEDULES
    template_name = "flexmarket/scenario_new.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form."""
        return super().get_context_data(**{"form": ScenarioForm(), "styles": STYLES, **kwargs})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Store the scenario and show it, or say what is wrong with it."""
        form = ScenarioForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._refused(form)
        asked = form.cleaned_data
        file = asked.pop("file")
        data, name = (None, "") if file is None else (file.read(), file.name)
        try:
            scenario = create_scenario(organization=self.organization, file_name=name, data=data, **asked)
        except ProblemError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            return self._refused(form)
        except InputError as error:
            checked = checked_tables(tables_of(data, name) if data is not None else {}, error)
            return self._refused(form, checked=checked, file_name=name)
        return redirect("scenario", self.organization.slug, scenario.pk)

    def _refused(self, form: ScenarioForm, checked: Checked | None = None, **context: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form, checked=checked, **context), status=422)


class ScenarioPage(ScenarioMixin, TemplateView):
    """A scenario: its runs, every number to change, and its input."""

    template_name = "flexmarket/scenario.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the scenario; `?from=` names a run whose changed numbers the form begins with."""
        scenario = kwargs.pop("found", None) or self.scenario()
        runs = list(runs_of(scenario))
        shown = {
            "scenario": scenario,
            "runs": runs,
            "solved": [run for run in runs if run.solved],
            "form": kwargs.pop("form", None) or self._form(scenario, runs),
            "parameters": parameters_of(parameters_of_file(scenario)),
            "series": series_table(series_of(scenario), scenario),
            "may_run": self.tenant_request.membership.may(permissions.RUN_SCHEDULES),
            "styles": STYLES,
            "busy": any(not run.job.finished for run in runs),
        }
        return super().get_context_data(**{**kwargs, **shown})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Ask for a run with the numbers of the form, and show it."""
        self.require(permissions.RUN_SCHEDULES)
        scenario = self.scenario()
        with timezone.override(scenario.zone):
            form = WhatIfForm(scenario, request.POST)
            run = self._requested(scenario, form) if form.is_valid() else None
            if run is not None:
                return redirect("scenario_run", self.organization.slug, scenario.pk, run.pk)
            context = self.get_context_data(found=scenario, form=form)
            return TemplateResponse(request, self.template_name, context, status=422).render()

    def _requested(self, scenario: Scenario, form: WhatIfForm) -> ScenarioRun | None:
        asked = form.cleaned_data
        try:
            return request_scenario_run(
                scenario=scenario,
                label=asked["label"],
                changes=form.changes,
                solver=asked["solver"],
                gap=form.gap,
                time_limit=asked["time_limit"],
                method=asked["method"],
                idempotency_key=asked["key"],
            )
        except ProblemError as error:
            form.add_problem(error)
        except JobConflictError:
            form.with_key(new_key())
            form.add_error(None, _("This form was sent before with other numbers. Send it again to solve these."))
        return None

    def _form(self, scenario: Scenario, runs: list[ScenarioRun]) -> WhatIfForm:
        wanted = self.request.GET.get("from", "")
        begin = next((run for run in runs if str(run.pk) == wanted), None)
        initial: dict[str, Any] = {"key": new_key()}
        if begin is not None:
            initial |= {"solver": begin.solver, "gap_percent": PERCENT * begin.gap, "time_limit": begin.time_limit}
            initial["method"] = begin.method
        return WhatIfForm(scenario, initial=initial, changes=begin.changes if begin else None)


class ScenarioRunPage(LiveMixin, ScenarioMixin, TemplateView):
    """A run: how far it is, then its figures, charts and files."""

    template_name = "flexmarket/scenario_run.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the run, and the other solved runs to compare it with."""
        runs = list(self.runs())
        run = next((each for each in runs if each.pk == self.kwargs["scenario_run"]), None)
        if run is None:
            raise Http404
        membership = self.tenant_request.membership
        shown = {
            "scenario": run.scenario,
            "run": run,
            "job": run.job,
            "changes": [(described(name), value) for name, value in run.changes.items()],
            "method": METHOD_WORDS[run.method].label if run.method in METHOD_WORDS else run.method,
            "others": [each for each in runs if each.solved and each.pk != run.pk],
            "may_run": membership.may(permissions.RUN_SCHEDULES),
            "may_export": membership.may(permissions.EXPORT_OFFERS),
            "may_cancel": may_cancel(run.job, membership),
            "scripts": CHART_SCRIPTS if run.solved else (),
            "styles": STYLES,
        }
        return super().get_context_data(**{**kwargs, **shown})


class ScenarioRunCharts(ScenarioMixin):
    """The charts of a run as JSON."""

    def get(self, _request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws."""
        return JsonResponse(run_charts(self.solved_run("scenario_run")).as_json())


class ScenarioRunArchive(ScenarioMixin):
    """Every file of a run in one ZIP archive."""

    permission = permissions.EXPORT_OFFERS

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Answer the archive."""
        archive = archive_of(self.solved_run("scenario_run"))
        if archive is None:
            raise Http404
        return archive


class DeleteScenario(ScenarioMixin):
    """Deletes a scenario with its runs."""

    permission = permissions.RUN_SCHEDULES
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        """Delete, then show the list; while something is being solved, say so."""
        scenario = self.scenario()
        try:
            delete_scenario(scenario=scenario)
        except ScenarioBusyError as error:
            messages.error(request, str(error))
            return redirect("scenario", self.organization.slug, scenario.pk)
        messages.success(request, _("%(name)s was deleted.") % {"name": scenario.name})
        return redirect("scenarios", self.organization.slug)


def archive_of(run: ScenarioRun) -> HttpResponse | None:
    """Return the files of a run to download; None for a run that is not solved."""
    content = ScenarioArchive.objects.filter(run=run).values_list("content", flat=True).first()
    if content is None:
        return None
    name = f"{slugify(run.scenario.name) or 'scenario'}_{run.scenario.day}_{run.pk}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(bytes(content), content_type="application/zip", headers=headers)
