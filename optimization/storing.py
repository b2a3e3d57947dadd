"""Solved problems as rows: many runs with their series by few statements."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any

import numpy as np

from assets.models import Asset, Site
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.bulk import insert_many
from flexplatform.jobs.models import Job
from optimization.dispatch import dispatch_plans
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule, Unmet
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import device_series
from telemetry.models import Setpoint

MICRO_EUR = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True, eq=False)
class Past:
    """What was over when a plan was made: the run whose first `steps` it keeps, and how devices stood after them."""

    run: ScheduleRun
    steps: int
    states: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """A problem with its verified plan, the site without control, and where its inputs came from."""

    site: Site
    problem: SiteProblem
    plan: Schedule
    uncontrolled: Schedule
    seconds: Mapping[str, float]
    sources: Mapping[str, Any]
    fingerprint: str
    past: Past | None = None


def store_runs(
    *,
    organization: Organization,
    solved: Sequence[Solved],
    job: Job | None,
    source: str = Setpoint.Source.SCHEDULE,
) -> list[ScheduleRun]:
    """Store plans with their inputs, inside the caller's transaction, by a fixed number of statements.

    Where plans are dispatched, their devices are told in the same transaction; `source` says who wants it.
    """
    runs = ScheduleRun.objects.bulk_create(_run(organization, each, job) for each in solved)
    assets: dict[int, dict[str, int]] = defaultdict(dict)
    of_sites = Asset.objects.filter(site__in=[each.site.pk for each in solved])
    for pk, site, name in of_sites.values_list("pk", "site_id", "name"):
        assets[site][name] = pk
    insert_many(
        ScheduleSeries,
        ("run_id", "role", "device", "asset_id", "quantity", "values"),
        (
            (run.pk, role, device, assets[run.site_id].get(device), quantity, values)
            for run, each in zip(runs, solved, strict=True)
            for role, device, quantity, values in series_rows(each.problem, each.plan, each.uncontrolled)
        ),
    )
    audit.record_many(
        organization=organization,
        action="schedule.create",
        rows=[(run, None, _told(run, each.site)) for run, each in zip(runs, solved, strict=True)],
    )
    plans = [(run, each.plan) for run, each in zip(runs, solved, strict=True)]
    dispatch_plans(organization=organization, plans=plans, source=source)
    return runs


def _run(organization: Organization, solved: Solved, job: Job | None) -> ScheduleRun:
    plan, problem = solved.plan, solved.problem
    cost = asdict(plan.cost)
    co2_kg = cost.pop("co2_kg")
    return ScheduleRun(
        organization=organization,
        site=solved.site,
        start=plan.horizon.start,
        step_seconds=round(plan.horizon.step.total_seconds()),
        count=plan.horizon.count,
        solver=plan.solver,
        status=plan.status,
        total_cost_eur=_euro(plan.cost.total_eur),
        baseline_cost_eur=_euro(solved.uncontrolled.cost.total_eur),
        cost_by_cause_eur=cost,
        co2_kg=co2_kg,
        objective_eur=plan.objective_eur,
        bound_eur=plan.bound_eur,
        gap=plan.gap,
        seconds={phase: round(value, 4) for phase, value in solved.seconds.items()},
        unmet=[_unmet(item) for item in plan.unmet],
        parameters=_scalars(problem),
        input_sources=dict(solved.sources),
        fingerprint=solved.fingerprint,
        job=job,
        past_steps=solved.past.steps if solved.past else 0,
        states=solved.past.states if solved.past else {},
        follows=solved.past.run if solved.past else None,
    )


def _told(run: ScheduleRun, site: Site) -> dict[str, Any]:
    return {"site": site.slug, "start": run.start, "count": run.count, "status": run.status}


def series_rows(
    problem: SiteProblem, plan: Schedule, uncontrolled: Schedule
) -> Iterator[tuple[ScheduleSeries.Role, str, str, Series]]:
    """Yield every series that is kept of a plan: its role, the device ("" for the site), the quantity, its values."""
    role = ScheduleSeries.Role
    for group in (problem.prices, problem.emissions):
        for item in fields(group):
            if isinstance(value := getattr(group, item.name), np.ndarray):
                yield role.INPUT, "", item.name, value
    for device in problem.devices:
        for name, value in device_series(device).items():
            yield role.INPUT, device.name, name, value
    yield role.PLAN, "", "grid_power_kw", plan.grid_power_kw
    yield role.PLAN, "", "heat_surplus_kw", plan.heat_surplus_kw
    for device_name, quantities in plan.devices.items():
        for quantity, value in quantities.items():
            yield role.PLAN, device_name, quantity, value
    yield role.BASELINE, "", "grid_power_kw", uncontrolled.grid_power_kw


def _scalars(problem: SiteProblem) -> dict[str, float | None]:
    groups = (problem.prices, problem.emissions, problem.objective, problem.connection)
    return {
        item.name: value
        for group in groups
        for item in fields(group)
        if not isinstance(value := getattr(group, item.name), np.ndarray)
    }


def _unmet(item: Unmet) -> dict[str, Any]:
    return {**asdict(item), "start": item.start.isoformat()}


def _euro(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(MICRO_EUR)
