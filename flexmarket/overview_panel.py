"""The flexibility that all sites together offer today and tomorrow, on the overview."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from flexmarket.models import FlexibilityOffers
from flexmarket.queries import DEFAULT_METHOD
from flexplatform.accounts import permissions
from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest
from flexplatform.portal.charts import Chart, ChartSeries
from flexplatform.portal.views import OrganizationMixin
from optimization.engine.series import Series
from optimization.models import ScheduleRun
from optimization.overview import (
    SECONDS_KEPT,
    add_power,
    key_of,
    nothing,
    runs_of_days,
    stacked,
    steps_of,
    sums_of,
    two_days,
)
from optimization.overview_panels import page_of_days

DIRECTIONS = ("positive", "negative")


def offered(_request: TenantRequest, organization: Organization) -> dict[str, Any]:
    """Return where the chart's data is."""
    return {"url": reverse("overview_flexibility", args=[organization.slug])}


class OverviewFlexibility(OrganizationMixin):
    """The chart of the power on offer today and tomorrow, as JSON."""

    permission = permissions.VIEW_OFFERS

    def get(self, _request: HttpRequest) -> JsonResponse:
        """Answer what charts.js draws; no chart where nothing is offered."""
        days = two_days(self.organization)
        found = _offered_power(self.organization, days)
        charts = [_chart(found)] if any(np.nansum(values) for values in found.values()) else []
        return JsonResponse(page_of_days(self.organization, days, charts).as_json())


def _offered_power(organization: Organization, days: Sequence[date]) -> dict[str, Series]:
    """Return the power on offer by direction; three queries, two while it is still known."""
    runs = runs_of_days(organization, days)
    known = f"offered-power:{key_of(organization, days, sums_of(runs))}"
    found: dict[str, Series] | None = cache.get(known)
    if found is None:
        found = _summed(organization, days, runs)
        cache.set(known, found, SECONDS_KEPT)
    return found


def _summed(organization: Organization, days: Sequence[date], runs: QuerySet[ScheduleRun]) -> dict[str, Series]:
    start, _second, count = steps_of(organization, days)
    offers = FlexibilityOffers.objects.filter(run__in=runs.order_by().values("pk"), method=DEFAULT_METHOD).order_by()
    steps = ("run__start", "run__step_seconds")
    rows = list(offers.values_list(*steps, *(f"{direction}_power_kw" for direction in DIRECTIONS)))
    totals = {direction: nothing(count) for direction in DIRECTIONS}
    for place, direction in enumerate(DIRECTIONS, start=len(steps)):
        for name, first, step, values in stacked((direction, row[0], row[1], row[place]) for row in rows):
            add_power(totals[name], start, first, step, values.sum(axis=0))
    return totals


def _chart(found: dict[str, Series]) -> Chart:
    series = [
        ChartSeries(label=_("Up"), values=found["positive"], colour="--fp-positive", style="steps"),
        ChartSeries(label=_("Down"), values=-found["negative"], colour="--fp-negative", style="steps"),
    ]
    note = _("Up adds power to the grid: less consumption or more production. Down takes power off it.")
    return Chart(name="flexibility", title=_("Flexibility on offer"), unit="kW", series=series, note=note)
