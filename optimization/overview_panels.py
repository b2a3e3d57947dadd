"""What schedules show on the overview: figures of today and tomorrow, power over both days, what needs attention."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assets.appearance import LINE_COLOUR, OTHER_COLOUR
from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from flexplatform.portal.views import OrganizationMixin
from flexplatform.registry import Alert
from optimization.charts import MEASURED_COLOUR
from optimization.engine.series import Series
from optimization.overview import STEP, DaySum, power_of, runs_of_days, steps_of, sums_of, two_days
from optimization.site_states import site_states
from telemetry.portfolio_power import MeasuredPower, measured_power

HOURS = STEP.total_seconds() / 3600


@dataclass(frozen=True)
class Figure:
    """A figure of today and of tomorrow, None where nothing is planned; `decimals` as floatformat takes them."""

    title: str
    symbol: str
    unit: str
    values: Sequence[float | None]
    decimals: str


def figures(_request: TenantRequest, organization: Organization) -> dict[str, Any]:
    """Return cost, saving, energy, peak and emissions of today and tomorrow, each summed over all planned sites."""
    days = two_days(organization)
    runs = runs_of_days(organization, days)
    sums = sums_of(runs)
    power = power_of(organization, days, runs, sums)
    by_day = [[each for each in sums if each.day == day] for day in days]
    _start, second, count = steps_of(organization, days)
    parts = [slice(0, second), slice(second, count)]

    def summed(value: Callable[[DaySum], float]) -> list[float | None]:
        return [sum(value(each) for each in of_day) if of_day else None for of_day in by_day]

    def measured(value: Callable[[slice], float]) -> list[float | None]:
        return [value(part) if of_day else None for part, of_day in zip(parts, by_day, strict=True)]

    def energy(series: Series) -> list[float | None]:
        return measured(lambda part: float(np.nansum(series[part]) * HOURS))

    return {
        "days": days,
        "site_count": Site.objects.filter(organization=organization).count(),
        "figures": [
            Figure(_("Planned sites"), "circle-check", "", summed(lambda each: each.sites), "0g"),
            Figure(_("Cost"), "coin", "EUR", summed(lambda each: each.total_cost_eur), "2g"),
            Figure(
                _("Saving against no control"),
                "arrow-down",
                "EUR",
                summed(lambda each: each.baseline_cost_eur - each.total_cost_eur),
                "2g",
            ),
            Figure(_("Energy from the grid"), "bolt", "kWh", energy(power.drawn_kw), "0g"),
            Figure(_("Energy to the grid"), "solar-panel", "kWh", energy(power.drawn_kw - power.plan_kw), "0g"),
            Figure(
                _("Peak"),
                "chart-line",
                "kW",
                measured(lambda part: float(np.nanmax(power.plan_kw[part], initial=0))),
                "1g",
            ),
            Figure(_("CO₂"), "leaf", "kg", summed(lambda each: each.co2_kg), "0g"),
        ],
    }


def power(_request: TenantRequest, organization: Organization) -> dict[str, Any]:
    """Return where the chart's data is."""
    return {"url": reverse("overview_power", args=[organization.slug])}


class OverviewPower(OrganizationMixin):
    """The chart of the portfolio's power today and tomorrow, as JSON."""

    permission = permissions.VIEW_SCHEDULES

    def get(self, _request: HttpRequest) -> JsonResponse:
        """Answer what charts.js draws; no chart where neither day is planned."""
        days = two_days(self.organization)
        runs = runs_of_days(self.organization, days)
        sums = sums_of(runs)
        charts = [_chart(self.organization, days, runs, sums, self._measured(days))] if sums else []
        return JsonResponse(page_of_days(self.organization, days, charts).as_json())

    def _measured(self, days: Sequence[date]) -> MeasuredPower | None:
        """Return what the sites' meters told of these days, for those who may see it."""
        if not self.tenant_request.membership.may(permissions.VIEW_TELEMETRY):
            return None
        start, _second, count = steps_of(self.organization, days)
        found = measured_power(self.organization, start, count)
        return found if found.meters else None


def page_of_days(organization: Organization, days: Sequence[date], charts: Sequence[Chart]) -> ChartPage:
    """Return charts on the quarter-hours of local days."""
    start, _second, count = steps_of(organization, days)
    seconds = STEP.total_seconds()
    return ChartPage(start=start, step_seconds=seconds, count=count, zone=organization.time_zone, charts=charts)


def _chart(
    organization: Organization, days: Sequence[date], runs: Any, sums: Sequence[DaySum], measured: MeasuredPower | None
) -> Chart:
    found = power_of(organization, days, runs, sums)
    series = [
        ChartSeries(label=_("Planned"), values=found.plan_kw, colour=LINE_COLOUR, style="steps"),
        ChartSeries(
            label=_("Without control"), values=found.baseline_kw, colour=OTHER_COLOUR, style="steps", dashed=True
        ),
    ]
    if measured:
        label = ngettext("Measured by %(count)d meter", "Measured by %(count)d meters", measured.meters)
        label %= {"count": measured.meters}
        series.append(ChartSeries(label=label, values=measured.power_kw, colour=MEASURED_COLOUR, style="steps"))
    note = _("Above zero the sites together draw power, below zero they feed in.")
    return Chart(
        name="portfolio",
        title=_("Power of the portfolio"),
        unit="kW",
        series=series,
        note=note,
        scale_from=_from_zero(series),
    )


def _from_zero(series: Sequence[ChartSeries]) -> float | None:
    """Return where the axis begins: at zero where nothing is below it."""
    return 0 if all(np.nanmin(each.values, initial=0) >= 0 for each in series) else None


def attention(request: TenantRequest) -> Iterable[Alert]:
    """Yield how many sites have unmet wishes, could not be planned, or have no plan for tomorrow."""
    organization = request.organization
    map_page = reverse("map", args=[organization.slug])
    states = list(site_states(organization).values())
    failed, unmet = states.count("failed"), states.count("unmet")
    if failed:
        text = ngettext("%(count)d site could not be planned", "%(count)d sites could not be planned", failed)
        yield Alert("danger", text % {"count": failed}, f"{map_page}?state=failed")
    if unmet:
        text = ngettext("The plan of %(count)d site misses wishes", "The plans of %(count)d sites miss wishes", unmet)
        yield Alert("warning", text % {"count": unmet}, f"{map_page}?state=unmet")
    tomorrow = two_days(organization)[1]
    planned = runs_of_days(organization, [tomorrow]).order_by().values("site").distinct().count()
    missing = Site.objects.filter(organization=organization).count() - planned
    if missing:
        text = ngettext("%(count)d site has no plan for tomorrow", "%(count)d sites have no plan for tomorrow", missing)
        yield Alert("warning", text % {"count": missing}, f"{map_page}?state=none")
