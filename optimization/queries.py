"""Reads of stored schedules."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar, cast

import numpy as np
from django.db.models import OuterRef, QuerySet, Subquery

from assets.models import Site
from optimization.engine.horizon import Horizon
from optimization.engine.previous import Remembered
from optimization.engine.problem import Emissions, Objective, Prices, SiteProblem
from optimization.engine.resume import rest_of
from optimization.engine.schedule import Cost, DeviceSeries, Schedule, Unmet
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import SiteInputs, build_problem

LONGEST_HORIZON = timedelta(days=8)
Group = TypeVar("Group", Prices, Emissions, Objective)
SeriesByName = dict[str, dict[str, Series]]


def latest_runs(sites: QuerySet[Site]) -> dict[int, ScheduleRun]:
    """Return the newest run of each site by the site's id: of its latest planned day, the last one made."""
    newest = ScheduleRun.objects.filter(site=OuterRef("pk")).order_by("-start", "-created_at", "-id")
    runs = ScheduleRun.objects.filter(pk__in=sites.values_list(Subquery(newest.values("pk")[:1])))
    return {run.site_id: run for run in runs.select_related("site")}


def current_runs(site: Site) -> QuerySet[ScheduleRun]:
    """Return the runs of a site that no later run of the same start supersedes, newest day first."""
    newest = ScheduleRun.objects.filter(site=site, start=OuterRef("start")).order_by("-created_at", "-id")
    return ScheduleRun.objects.filter(site=site, pk=Subquery(newest.values("pk")[:1])).order_by("-start")


def run_of_day(site: Site, day: date | None) -> ScheduleRun | None:
    """Return the current run that starts in a local day of the site; without a day the newest run."""
    runs = current_runs(site)
    if day is not None:
        midnight = datetime.combine(day, time(), site.zone)
        runs = runs.filter(start__gte=midnight, start__lt=midnight + timedelta(days=1))
    return runs.first()


def series_by_role(run: ScheduleRun) -> dict[str, SeriesByName]:
    """Return every series of a run by role, device name ("" for the site) and quantity."""
    found: dict[str, SeriesByName] = {role: defaultdict(dict) for role in ScheduleSeries.Role.values}
    for row in ScheduleSeries.objects.filter(run=run).order_by("id"):
        found[row.role][row.device][row.quantity] = cast("Series", row.values)
    return found


def series_of(run: ScheduleRun, role: ScheduleSeries.Role) -> SeriesByName:
    """Return the series of one role of a run by device name ("" for the site) and quantity."""
    return series_by_role(run)[role]


def inputs_of(run: ScheduleRun) -> SiteInputs:
    """Return the prices, emissions, goal and device series that a run was made with."""
    return _inputs(run, series_of(run, ScheduleSeries.Role.INPUT))


def inputs_of_runs(runs: Iterable[int]) -> dict[int, tuple[ScheduleRun, SiteInputs]]:
    """Return runs by id, each with what it was made with; two queries, whatever their number."""
    found = ScheduleRun.objects.in_bulk(list(runs))
    stored: dict[int, SeriesByName] = {pk: defaultdict(dict) for pk in found}
    rows = ScheduleSeries.objects.filter(run__in=list(found), role=ScheduleSeries.Role.INPUT)
    found_series = rows.values_list("run_id", "device", "quantity", "values")
    for run, device, quantity, values in cast("Iterable[tuple[int, str, str, Series]]", found_series):
        stored[run][device][quantity] = values
    return {pk: (run, _inputs(run, stored[pk])) for pk, run in found.items()}


def newest_alike(sites: Iterable[int], horizon: Horizon) -> tuple[dict[int, int], dict[int, int]]:
    """Return the id of the newest run of each site, of this horizon and of any day with as many steps; one query."""
    alike = ScheduleRun.objects.filter(
        site=OuterRef("pk"), step_seconds=round(horizon.step.total_seconds()), count=horizon.count
    )
    newest = alike.order_by("-start", "-created_at", "-id").values("pk")
    found = Site.objects.filter(pk__in=list(sites)).values_list(
        "pk", Subquery(newest.filter(start=horizon.start)[:1]), Subquery(newest[:1])
    )
    rows = list(found)
    return {pk: same for pk, same, _ in rows if same}, {pk: other for pk, _, other in rows if other}


def newest_runs_of(sites: Iterable[Site], start: datetime) -> dict[int, ScheduleRun]:
    """Return the newest run of each site that starts at a time, by the site's id; one query."""
    newest = ScheduleRun.objects.filter(site=OuterRef("pk"), start=start).order_by("-created_at", "-id")
    of_sites = Site.objects.filter(pk__in=[site.pk for site in sites]).values_list(Subquery(newest.values("pk")[:1]))
    return {run.site_id: run for run in ScheduleRun.objects.filter(pk__in=of_sites)}


def states_before(sites: Iterable[Site], horizon: Horizon) -> dict[int, Remembered]:
    """Return the on/off states of each site's newest run, where it overlaps a horizon, by site id; two queries."""
    earliest = horizon.start - LONGEST_HORIZON
    overlapping = ScheduleRun.objects.filter(site=OuterRef("pk"), start__gt=earliest, start__lt=horizon.end)
    newest = overlapping.order_by("-created_at", "-id").values("pk")
    of_sites = Site.objects.filter(pk__in=[site.pk for site in sites]).values_list(Subquery(newest[:1]))
    runs = {run.pk: run for run in ScheduleRun.objects.filter(pk__in=of_sites)}
    states: dict[int, dict[str, DeviceSeries]] = defaultdict(dict)
    rows = ScheduleSeries.objects.filter(run__in=list(runs), role=ScheduleSeries.Role.PLAN, quantity="on")
    found = rows.values_list("run_id", "device", "values")
    for run, device, values in cast("Iterable[tuple[int, str, Series]]", found):
        states[run][device] = {"on": values}
    return {
        runs[pk].site_id: Remembered(runs[pk].horizon, devices)
        for pk, devices in states.items()
        if runs[pk].horizon.end > horizon.start
    }


def _inputs(run: ScheduleRun, stored: SeriesByName) -> SiteInputs:
    given = {**run.parameters, **stored.pop("", {})}

    def group(kind: type[Group]) -> Group:
        return kind(**{item.name: given[item.name] for item in fields(kind) if item.name in given})

    return SiteInputs(prices=group(Prices), emissions=group(Emissions), objective=group(Objective), devices=stored)


def _unmet(item: dict[str, Any]) -> Unmet:
    return Unmet(**{**item, "start": datetime.fromisoformat(item["start"])})


def problem_of(run: ScheduleRun) -> SiteProblem:
    """Return the problem that a run solved, with its own inputs and the site's devices as they are now.

    It begins after the run's past steps.
    """
    problem = build_problem(run.site, run.horizon, inputs_of(run))
    if not run.past_steps:
        return problem
    return rest_of(problem, run.past_steps, run.states, import_so_far_kw=highest_import(run, run.past_steps))


def highest_import(run: ScheduleRun, steps: int) -> float:
    """Return the highest import of the first steps of a plan, kW."""
    grid = ScheduleSeries.objects.get(run=run, role=ScheduleSeries.Role.PLAN, device="", quantity="grid_power_kw")
    return float(np.asarray(grid.values)[:steps].max(initial=0.0))


def schedule_of(run: ScheduleRun) -> Schedule:
    """Return the engine's schedule of a run, from its past steps on; cost and bound are those of the whole run."""
    done = {name for name, state in run.states.items() if state.get("done")}
    return _schedule(run, run.past_steps, done)


def whole_schedule_of(run: ScheduleRun) -> Schedule:
    """Return the engine's schedule of a run with its past steps."""
    return _schedule(run, 0, set())


def _schedule(run: ScheduleRun, past: int, without: Collection[str]) -> Schedule:
    plan = series_of(run, ScheduleSeries.Role.PLAN)
    site = plan.pop("")
    horizon = run.planned_horizon if past else run.horizon
    return Schedule(
        horizon=horizon,
        grid_power_kw=site["grid_power_kw"][past:],
        heat_surplus_kw=site["heat_surplus_kw"][past:],
        devices={
            name: {quantity: values[past:] for quantity, values in series.items()}
            for name, series in plan.items()
            if name not in without
        },
        cost=Cost(**run.cost_by_cause_eur, co2_kg=run.co2_kg),
        objective_eur=run.objective_eur,
        solver=run.solver,
        status=run.status,
        bound_eur=run.bound_eur,
        gap=run.gap,
        unmet=tuple(each for each in map(_unmet, run.unmet) if each.start >= horizon.start),
        seconds=run.seconds,
    )
