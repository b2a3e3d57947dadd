"""Reasons agree with the plan, and worths with what one more kWh really costs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from optimization.engine import GridConnection, SiteProblem, baseline, solve
from optimization.engine.devices import Battery, ElectricLoad
from optimization.engine.explain import Explanation, explain
from optimization.engine.reasons import Reason, Why
from tests.optimization.engine.mixes import MIXES
from tests.optimization.engine.strategies import problems

NEAR = 1e-4


def explained(problem: SiteProblem, gap: float = 1e-3) -> Explanation:
    explanation = explain(problem, solve(problem, gap=gap))
    assert explanation is not None
    return explanation


def agrees(reason: Reason) -> bool:
    """Tell whether the worths of a reason lead to what it says."""
    if reason.why is Why.CHARGES:
        return reason.here <= reason.below + NEAR
    if reason.why is Why.DISCHARGES:
        return reason.here >= reason.above - NEAR
    if reason.why is Why.WAITS:
        return reason.below - NEAR <= reason.here and not reason.here > reason.above + NEAR
    if reason.why is Why.CURTAILED:
        return reason.here <= NEAR
    return True


@pytest.mark.parametrize("mix", MIXES)
def test_every_reason_agrees_with_the_plan(mix: str) -> None:
    seen = set()
    for seed in range(6):
        explanation = explained(MIXES[mix](np.random.default_rng(seed), odd=seed == 5))
        for reasons in explanation.devices.values():
            said = [reason for reason in reasons if reason is not None]
            assert all(map(agrees, said)), [reason for reason in said if not agrees(reason)][:3]
            seen |= {reason.why for reason in said}
    assert {Why.CHARGES, Why.DISCHARGES} <= seen
    assert "heat" not in mix or {Why.RUNS, Why.RESTS, Why.STORES_HEAT, Why.GIVES_HEAT} <= seen


@pytest.mark.parametrize("mix", ["PV + battery", "+ EV"])
def test_the_worth_of_electricity_is_what_one_more_kwh_costs(mix: str) -> None:
    problem = MIXES[mix](np.random.default_rng(4), count=24)
    plan, explanation = solve(problem, gap=1e-7), explained(problem, gap=1e-7)
    (load,) = (device for device in problem.devices if isinstance(device, ElectricLoad))
    more_kw = 1e-3
    for step in range(0, 24, 3):
        demand = load.demand.copy()
        demand[step] += more_kw
        others = tuple(device for device in problem.devices if device is not load)
        dearer = replace(problem, devices=(*others, replace(load, demand_kw=demand)))
        rise = solve(dearer, gap=1e-7).objective_eur - plan.objective_eur
        per_kwh = rise / (more_kw * problem.horizon.step_hours)
        assert per_kwh == pytest.approx(explanation.worth.electricity[step], abs=2e-3), step


def test_stored_energy_is_worth_what_it_saves_later() -> None:
    problem = MIXES["PV + battery"](np.random.default_rng(2), count=24)
    plan, explanation = solve(problem, gap=1e-7), explained(problem, gap=1e-7)
    (battery,) = (device for device in problem.devices if isinstance(device, Battery))
    more_percent = 0.01
    fuller = replace(battery, initial_soc_percent=battery.initial_soc_percent + more_percent)
    others = tuple(device for device in problem.devices if device is not battery)
    saved = plan.objective_eur - solve(replace(problem, devices=(*others, fuller)), gap=1e-7).objective_eur
    per_kwh = saved / (battery.capacity_kwh * more_percent / 100)
    assert per_kwh == pytest.approx(explanation.worth.stored["battery"][0], rel=0.02, abs=1e-3)


def test_a_limit_that_binds_is_named() -> None:
    problem = MIXES["PV + battery"](np.random.default_rng(1), count=24)
    free = solve(problem)
    limit = float(np.max(free.grid_power_kw)) * 0.8
    limited = replace(problem, connection=GridConnection(import_limit_kw=limit))
    plan, explanation = solve(limited), explained(limited)
    at_limit = [reason is not None and reason.why is Why.AT_IMPORT_LIMIT for reason in explanation.site]
    assert any(at_limit)
    assert at_limit == (plan.grid_power_kw >= limit - 1e-4).tolist()


@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_any_plan_of_the_solver_can_be_explained(problem: SiteProblem) -> None:
    explanation = explain(problem, solve(problem, gap=1e-3, time_limit=20))
    assert explanation is not None
    assert len(explanation.site) == problem.horizon.count
    assert all(len(reasons) == problem.horizon.count for reasons in explanation.devices.values())


def test_the_site_without_control_is_explained_too() -> None:
    problem = MIXES["+ EV"](np.random.default_rng(3))
    explanation = explain(problem, baseline(problem))
    assert explanation is not None
