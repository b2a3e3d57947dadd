"""Schedules as data for charts and as a file."""

import csv
from io import StringIO

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404

from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin
from optimization.charts import schedule_charts
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.queries import series_by_role


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
        return JsonResponse(schedule_charts(found, series_by_role(found)).as_json())


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
        writer.writerow(["start_utc", "start_local", *columns])
        for step, moment in enumerate(found.horizon.times):
            local = moment.astimezone(found.site.zone)
            values = (f"{round(series[step], 6) + 0.0:.6f}" for series in columns.values())
            writer.writerow([moment.isoformat(), local.isoformat(), *values])
        name = f"{found.site.slug}_{found.local_day}_schedule.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
