"""The portfolio today and tomorrow: sums over the current runs of all sites, and their power over both days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts.models import Organization
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries

STEP = timedelta(minutes=15)
SECONDS_KEPT = 600
GRID = "grid_power_kw"


class DaySum(NamedTuple):
    """The runs of all sites of a time zone that start together, summed by the database."""

    zone: str
    start: datetime
    sites: int
    total_cost_eur: float
    baseline_cost_eur: float
    co2_kg: float
    newest: datetime
    newest_pk: int

    @property
    def day(self) -> date:
        """The local day in which the runs start."""
        return self.start.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True)
class PortfolioPower:
    """Grid power of all planned sites in kW per step: planned, what of it is drawn, and without control.

    NaN in steps that no plan covers.
    """

    plan_kw: Series
    drawn_kw: Series
    baseline_kw: Series


def two_days(organization: Organization) -> tuple[date, date]:
    """Return today and tomorrow in the organization's time zone."""
    today = timezone.now().astimezone(ZoneInfo(organization.time_zone)).date()
    return today, today + timedelta(days=1)


def start_of(day: date, zone: str) -> datetime:
    """Return the midnight that begins a local day, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def runs_of_days(organization: Organization, days: Sequence[date]) -> QuerySet[ScheduleRun]:
    """Return the runs of these consecutive local days that no later run of the same start supersedes."""
    zones = Site.objects.filter(organization=organization).order_by("time_zone")
    wanted = Q(pk__in=[])
    for zone in zones.values_list("time_zone", flat=True).distinct():
        first, end = start_of(days[0], zone), start_of(days[-1] + timedelta(days=1), zone)
        wanted |= Q(site__time_zone=zone, start__gte=first, start__lt=end)
    newest = ScheduleRun.objects.filter(site=OuterRef("site"), start=OuterRef("start")).order_by("-created_at", "-id")
    return ScheduleRun.objects.filter(wanted, organization=organization, pk=Subquery(newest.values("pk")[:1]))


def sums_of(runs: QuerySet[ScheduleRun]) -> list[DaySum]:
    """Return the sums over the runs by time zone and start; one query, and few rows for any number of sites."""
    alike = runs.order_by().values_list("site__time_zone", "start")
    found = alike.annotate(
        Count("site", distinct=True),
        Sum("total_cost_eur"),
        Sum("baseline_cost_eur"),
        Sum("co2_kg"),
        Max("created_at"),
        Max("pk"),
    )
    return [
        DaySum(zone, start, sites, float(cost), float(base), *rest) for zone, start, sites, cost, base, *rest in found
    ]


def power_of(
    organization: Organization, days: Sequence[date], runs: QuerySet[ScheduleRun], sums: Sequence[DaySum]
) -> PortfolioPower:
    """Return the summed power over the organization's local days; one query, none while it is still known."""
    known = f"portfolio-power:{key_of(organization, days, sums)}"
    found: PortfolioPower | None = cache.get(known)
    if found is None:
        found = _summed(organization, days, runs)
        cache.set(known, found, SECONDS_KEPT)
    return found


def key_of(organization: Organization, days: Sequence[date], sums: Sequence[DaySum]) -> str:
    """Return what sums over these runs are kept under: it changes with every run that is made or superseded."""
    known = [f"{each.sites}:{each.newest.timestamp()}:{each.newest_pk}" for each in sums]
    return ":".join([str(organization.pk), days[0].isoformat(), *sorted(known)])


def steps_of(organization: Organization, days: Sequence[date]) -> tuple[datetime, int, int]:
    """Return the first step of the local days, the first step of the last day, and how many steps there are."""
    first, last, end = (
        start_of(day, organization.time_zone) for day in (days[0], days[-1], days[-1] + timedelta(days=1))
    )
    return first, (last - first) // STEP, (end - first) // STEP


def _summed(organization: Organization, days: Sequence[date], runs: QuerySet[ScheduleRun]) -> PortfolioPower:
    start, _, count = steps_of(organization, days)
    stored = ScheduleSeries.objects.filter(
        run__in=runs.order_by().values("pk"), device="", quantity=GRID, role__in=["plan", "baseline"]
    )
    plan, drawn, baseline = nothing(count), nothing(count), nothing(count)
    rows = stored.order_by().values_list("role", "run__start", "run__step_seconds", "values")
    for role, first, step, values in stacked(rows):
        if role == ScheduleSeries.Role.PLAN:
            add_power(plan, start, first, step, values.sum(axis=0))
            add_power(drawn, start, first, step, values.clip(min=0).sum(axis=0))
        else:
            add_power(baseline, start, first, step, values.sum(axis=0))
    return PortfolioPower(plan, drawn, baseline)


def stacked(rows: Iterable[Any]) -> Iterator[tuple[str, datetime, timedelta, Any]]:
    """Yield name, start, step and series of alike rows (name, start, step in seconds, values), a row of an array each.

    Adding up ten thousand series one by one would be slow; those of one day are alike.
    """
    groups: dict[tuple[str, datetime, int, int], list[Series]] = defaultdict(list)
    for name, start, seconds, values in rows:
        groups[name, start, seconds, len(values)].append(values)
    for (name, start, seconds, _), found in groups.items():
        yield name, start, timedelta(seconds=seconds), np.stack(found)


def nothing(count: int) -> Series:
    """Return as many steps that no plan covers."""
    return np.full(count, np.nan)


def add_power(total: Series, start: datetime, first: datetime, step: timedelta, values: Series) -> None:
    """Add mean powers per `step` from `first` on to the quarter-hours from `start` on, as far as they lie there.

    `total` is NaN where nothing was added before.
    """
    finer = STEP // step
    if finer > 1:
        whole = len(values) // finer * finer
        values, step = values[:whole].reshape(-1, finer).mean(axis=1), STEP
    since = np.arange(len(total)) * STEP.total_seconds() - (first - start).total_seconds()
    index = np.floor_divide(since, step.total_seconds()).astype(int)
    inside = (index >= 0) & (index < len(values))
    total[inside] = np.nan_to_num(total[inside]) + values[index[inside]]
