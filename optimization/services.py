"""Writes of schedules."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from time import perf_counter
from typing import Any

import numpy as np
from django.db import transaction

from assets.models import Asset, Site
from optimization.engine import baseline, solve, verify
from optimization.engine.horizon import Horizon
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule, Unmet
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.problems import SiteInputs, build_problem, device_series

MICRO_EUR = Decimal("0.000001")


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
) -> ScheduleRun:
    """Plan one site over `horizon`, check the plan, and store it with its inputs and the site without control.

    `gap` is relative; `time_limit` in seconds.

    Raises:
        ProblemError: for an input that contradicts physics, by the field's name.
        SolverError: when the solver found no plan at all.
        UnverifiedPlanError: when the plan breaks a balance or a limit.
    """
    problem = build_problem(site, horizon, series)
    plan = solve(problem, solver=solver, gap=gap, time_limit=time_limit)
    started = perf_counter()
    violations = [str(violation) for violation in verify(problem, plan)]
    if violations:
        raise UnverifiedPlanError(f"The plan of {site} breaks physics: {'; '.join(violations[:3])}")
    uncontrolled = baseline(problem)
    seconds = {**plan.seconds, "verify": perf_counter() - started}
    return _store(site, problem, plan, uncontrolled, seconds)


@transaction.atomic
def _store(
    site: Site, problem: SiteProblem, plan: Schedule, uncontrolled: Schedule, seconds: Mapping[str, float]
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
    )
    assets = {asset.name: asset for asset in Asset.objects.filter(site=site)}
    ScheduleSeries.objects.bulk_create(
        ScheduleSeries(run=run, role=role, device=device, asset=assets.get(device), quantity=quantity, values=values)
        for role, device, quantity, values in _series(problem, plan, uncontrolled)
    )
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
