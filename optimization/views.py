"""Schedules as data for charts and as a file."""

import csv
from io import StringIO

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.jobs.errors import JobConflictError
from flexplatform.portal.views import OrganizationMixin
from flexplatform.spreadsheets import guarded
from optimization.charts import schedule_charts
from optimization.forms import PlanForm
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.queries import series_by_role
from optimization.reasons import reasons_page
from optimization.services import request_schedule
from telemetry.measured import means_of_site


class RunMixin(OrganizationMixin):
    """Finds the run of the address within the organization."""

    permission = permissions.VIEW_SCHEDULES

    def run(self, pk: int) -> ScheduleRun:
        """Return the run; one of another organization does not exist here."""
        runs = ScheduleRun.objects.select_related("site").filter(organization=self.organization)
        return get_object_or_404(runs, pk=pk)


class ScheduleCharts(RunMixin):
    """The charts of a run as JSON."""

    def get(self, _request: HttpRequest, run: int) -> JsonResponse:
        """Answer what charts.js draws."""
        found = self.run(run)
        measured = means_of_site(found.site, found.start, found.step_seconds, found.count)
        return JsonResponse(schedule_charts(found, series_by_role(found), measured).as_json())


class ScheduleReasons(RunMixin):
    """Why a run does what it does, step by step, as JSON."""

    def get(self, _request: HttpRequest, run: int) -> JsonResponse:
        """Answer what reasons.js shows."""
        return JsonResponse(reasons_page(self.run(run)))


class ScheduleCsv(RunMixin):
    """Every series of a run as CSV, one row per step, with the start of the step in UTC and in local time."""

    def get(self, _request: HttpRequest, run: int) -> HttpResponse:
        """Answer the file."""
        found = self.run(run)
        stored = series_by_role(found)
        columns = {
            (f"{role}." if role != ScheduleSeries.Role.PLAN else "") + f"{device or 'site'}.{quantity}": values
            for role, by_device in stored.items()
            for device, quantities in by_device.items()
            for quantity, values in quantities.items()
        }
        text = StringIO()
        writer = csv.writer(text)
        writer.writerow(["start_utc", "start_local", *map(guarded, columns)])
        for step, moment in enumerate(found.horizon.times):
            local = moment.astimezone(found.site.zone)
            values = (f"{round(series[step], 6) + 0.0:.6f}" for series in columns.values())
            writer.writerow([moment.isoformat(), local.isoformat(), *values])
        name = f"{found.site.slug}_{found.local_day}_schedule.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


class PlanSite(OrganizationMixin):
    """Asks for a new plan of a site's local day; sending the same form twice gives the same job."""

    permission = permissions.RUN_SCHEDULES
    http_method_names = ["post"]

    def post(self, request: HttpRequest, site: str) -> HttpResponseBase:
        """Make the job and show it; a form that cannot be read leads back to the site with the reason."""
        found = get_object_or_404(Site.objects.filter(organization=self.organization), slug=site)
        form = PlanForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was planned: {reason}").format(reason=form.reason))
            return redirect("site", self.organization.slug, found.slug)
        try:
            job = request_schedule(
                site=found,
                horizon=form.horizon(found),
                idempotency_key=form.cleaned_data["key"],
            )
        except JobConflictError as error:
            messages.error(request, str(error))
            return redirect("site", self.organization.slug, found.slug)
        return redirect("job", self.organization.slug, job.pk)
