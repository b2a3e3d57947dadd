"""Writes of schedules."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

import numpy as np
from django.db import transaction

from assets.models import Asset, Site
from flexplatform.accounts import audit
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work
from optimization.engine import ProblemError, baseline, solve, verify
from optimization.engine.highs import Progress
from optimization.engine.horizon import Horizon
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule, Unmet
from optimization.engine.series import Series
from optimization.engine.solvers import SOLVERS
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import SiteInputs, build_problem, device_series

MICRO_EUR = Decimal("0.000001")
SCHEDULE_SITE = "schedule_site"
REQUEST_GAP = 1e-3
REQUEST_SECONDS = 60.0
LONGEST_SECONDS = 600.0
LONGEST_HORIZON = timedelta(days=8)


class UnverifiedPlanError(RuntimeError):
    """A plan that breaks physics; nothing of it is stored."""


def schedule_site(
    *,
    site: Site,
    horizon: Horizon,
    series: SiteInputs,
    solver: str = "milp",
    gap: float = 1e-4,
    time_limit: float = 60.0,
    progress: Progress | None = None,
    work: Work | None = None,
) -> ScheduleRun:
    """Plan one site over `horizon`, check the plan, and store it with its inputs and the site without control.

    `gap` is relative; `time_limit` in seconds; `progress` as the engine calls it. `work` is the job that asks for it:
    the run that an earlier attempt of the job stored is returned as it is.

    Raises:
        ProblemError: for an input that contradicts physics, by the field's name.
        SolverError: when the solver found no plan at all.
        UnverifiedPlanError: when the plan breaks a balance or a limit.
    """
    if work is not None and (stored := ScheduleRun.objects.filter(job=work.job, site=site).first()):
        return stored
    problem = build_problem(site, horizon, series)
    plan = solve(problem, solver=solver, gap=gap, time_limit=time_limit, progress=progress)
    started = perf_counter()
    violations = [str(violation) for violation in verify(problem, plan)]
    if violations:
        raise UnverifiedPlanError(f"The plan of {site} breaks physics: {'; '.join(violations[:3])}")
    uncontrolled = baseline(problem)
    seconds = {**plan.seconds, "verify": perf_counter() - started}
    with work.writing() if work else transaction.atomic():
        return _store(site, problem, plan, uncontrolled, seconds, series.sources, work.job if work else None)


def request_schedule(
    *,
    site: Site,
    horizon: Horizon,
    solver: str = "milp",
    gap: float = REQUEST_GAP,
    time_limit: float = REQUEST_SECONDS,
    idempotency_key: str = "",
) -> Job:
    """Return the job that plans one site over `horizon` in the background.

    Raises:
        ProblemError: for a solver, gap, time limit or length that no job may have.
        JobConflictError: when the key belongs to another request.
    """
    if solver not in SOLVERS:
        raise ProblemError("solver", solver, ", ".join(SOLVERS))
    if not 0 <= gap <= 1:
        raise ProblemError("gap", gap, "0 to 1")
    if not 0 < time_limit <= LONGEST_SECONDS:
        raise ProblemError("time_limit", time_limit, f"more than 0 and at most {LONGEST_SECONDS:.0f} seconds")
    if horizon.end - horizon.start > LONGEST_HORIZON:
        raise ProblemError("horizon.count", horizon.count, f"steps of at most {LONGEST_HORIZON.days} days together")
    day = horizon.start.astimezone(site.zone).date()
    return enqueue(
        organization=site.organization,
        kind=SCHEDULE_SITE,
        title=f"Plan {site.name} on {day:%d %B %Y}",
        input={
            "site": site.pk,
            "start": horizon.start.isoformat(),
            "step_seconds": round(horizon.step.total_seconds()),
            "count": horizon.count,
            "solver": solver,
            "gap": gap,
            "time_limit": time_limit,
        },
        idempotency_key=idempotency_key,
    )


def _store(
    site: Site,
    problem: SiteProblem,
    plan: Schedule,
    uncontrolled: Schedule,
    seconds: Mapping[str, float],
    sources: Mapping[str, Any],
    job: Job | None,
) -> ScheduleRun:
    cost = asdict(plan.cost)
    co2_kg = cost.pop("co2_kg")
    run = ScheduleRun.objects.create(
        organization_id=site.organization_id,
        site=site,
        start=plan.horizon.start,
        step_seconds=round(plan.horizon.step.total_seconds()),
        count=plan.horizon.count,
        solver=plan.solver,
        status=plan.status,
        total_cost_eur=_euro(plan.cost.total_eur),
        baseline_cost_eur=_euro(uncontrolled.cost.total_eur),
        cost_by_cause_eur=cost,
        co2_kg=co2_kg,
        objective_eur=plan.objective_eur,
        bound_eur=plan.bound_eur,
        gap=plan.gap,
        seconds={phase: round(value, 4) for phase, value in seconds.items()},
        unmet=[_unmet(item) for item in plan.unmet],
        parameters=_scalars(problem),
        input_sources=dict(sources),
        job=job,
    )
    assets = {asset.name: asset for asset in Asset.objects.filter(site=site)}
    ScheduleSeries.objects.bulk_create(
        ScheduleSeries(run=run, role=role, device=device, asset=assets.get(device), quantity=quantity, values=values)
        for role, device, quantity, values in _series(problem, plan, uncontrolled)
    )
    after = {"site": site.slug, "start": run.start, "count": run.count, "status": run.status}
    audit.record(organization=site.organization, action="schedule.create", instance=run, after=after)
    return run


def _series(
    problem: SiteProblem, plan: Schedule, uncontrolled: Schedule
) -> Iterator[tuple[ScheduleSeries.Role, str, str, Series]]:
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
