"""What was measured at a site over days, on a page and as charts."""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from assets.appearance import LINE_COLOUR, of_kind
from assets.models import Site
from assets.queries import device_label, kinds_by_name
from flexplatform.accounts import permissions
from flexplatform.portal.charts import CHART_SCRIPTS, Chart, ChartPage, ChartSeries
from flexplatform.portal.views import OrganizationMixin
from telemetry.measured import means_of_site
from telemetry.quantities import QUANTITIES

# Days on the page with the length of a step: about as many steps as a chart has places for.
STEPS = {1: timedelta(minutes=15), 7: timedelta(minutes=15), 31: timedelta(hours=1)}


class HistoryMixin(OrganizationMixin):
    """Finds the site and the days of the address `?until=2026-11-22&days=7`."""

    permission = permissions.VIEW_TELEMETRY

    def site(self) -> Site:
        """Return the site; one of another organization does not exist here."""
        return get_object_or_404(Site.objects.filter(organization=self.organization), slug=self.kwargs["site"])

    def days(self) -> int:
        """Return how many days are asked for, one where that is none of `STEPS`."""
        text = self.request.GET.get("days", "")
        return int(text) if text in {str(days) for days in STEPS} else 1

    def last_day(self, site: Site) -> date:
        """Return the last day that is asked for, today at the site where that is none."""
        today = timezone.now().astimezone(site.zone).date()
        try:
            return min(max(date.fromisoformat(self.request.GET.get("until", "")), date(1971, 1, 1)), today)
        except ValueError:
            return today


class SiteHistory(HistoryMixin, TemplateView):
    """The measurements of a site over a day, a week or a month."""

    template_name = "telemetry/history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the site, the days, and their neighbours."""
        site, days = self.site(), self.days()
        last = self.last_day(site)
        shown = {
            "site": site,
            "days": days,
            "choices": list(STEPS),
            "first": last - timedelta(days=days - 1),
            "last": last,
            "earlier": last - timedelta(days=days),
            "later": min(last + timedelta(days=days), timezone.now().astimezone(site.zone).date()),
            "scripts": CHART_SCRIPTS,
        }
        return super().get_context_data(**{**kwargs, **shown})


class SiteHistoryCharts(HistoryMixin):
    """The charts of the measurements as JSON."""

    def get(self, _request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws."""
        site, days = self.site(), self.days()
        last = self.last_day(site)
        return JsonResponse(history_charts(site, last - timedelta(days=days - 1), last, STEPS[days]).as_json())


def history_charts(site: Site, first: date, last: date, step: timedelta) -> ChartPage:
    """Return a chart of each unit that was measured, over local days; the same queries for any number of devices."""
    start, end = (datetime.combine(day, time(), site.zone) for day in (first, last + timedelta(days=1)))
    count, seconds = round((end.timestamp() - start.timestamp()) / step.total_seconds()), round(step.total_seconds())
    kinds = kinds_by_name(site)
    by_unit: dict[str, list[ChartSeries]] = defaultdict(list)
    for device, measured in sorted(means_of_site(site, start, seconds, count, tuple(QUANTITIES)).items()):
        for quantity, values in measured.items():
            label = device_label(device, kinds) if device else site.name
            by_unit[QUANTITIES[quantity].unit].append(
                ChartSeries(
                    label=f"{label}, {QUANTITIES[quantity].name}",
                    values=values,
                    colour=of_kind(kinds.get(device, "")) if device else LINE_COLOUR,
                    style="steps",
                )
            )
    titles = {"kW": _("Power"), "%": _("State of charge"), "°C": _("Temperature")}
    units = [*(unit for unit in titles if unit in by_unit), *(unit for unit in by_unit if unit not in titles)]
    charts = [
        Chart(name=f"measured-{unit}", title=titles.get(unit, unit), unit=unit, series=by_unit[unit]) for unit in units
    ]
    return ChartPage(start=start, step_seconds=seconds, count=count, zone=site.time_zone, charts=charts)
