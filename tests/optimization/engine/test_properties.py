"""What must hold for every site, found by random search."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, event, given, settings

from optimization.engine import GridConnection, SiteProblem, baseline, solve, verify
from tests.optimization.engine.strategies import problems

SEARCH = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SLACK_EUR = 2e-5


@SEARCH
@given(problems())
def test_every_site_solves_verifies_and_beats_its_baseline(problem: SiteProblem) -> None:
    plan, idle = solve(problem, gap=1e-6), baseline(problem)
    assert plan.status == "optimal"
    assert verify(problem, plan) == ()
    assert [str(violation) for violation in verify(problem, idle)] == []
    event(f"baseline holds every wish: {not idle.unmet}")
    if not idle.unmet:
        assert not plan.unmet
        assert plan.objective_eur <= idle.objective_eur + SLACK_EUR


@SEARCH
@given(problems(limits=False))
def test_a_higher_price_never_lowers_the_cost(problem: SiteProblem) -> None:
    plan = solve(problem, gap=1e-7)
    dearer = replace(problem.prices, import_eur_per_kwh=np.asarray(problem.prices.import_eur_per_kwh) + 0.07)
    after = solve(replace(problem, prices=dearer), gap=1e-7)
    event(f"every wish held: {not plan.unmet}")
    if not plan.unmet:
        assert after.objective_eur >= plan.objective_eur - SLACK_EUR


@SEARCH
@given(problems(limits=False))
def test_a_tighter_limit_never_lowers_the_cost(problem: SiteProblem) -> None:
    plan = solve(problem, gap=1e-7)
    grid = plan.grid_power_kw
    tight = GridConnection(
        import_limit_kw=max(0.0, 0.9 * float(grid.max())), export_limit_kw=max(0.0, -0.9 * float(grid.min()))
    )
    after = solve(replace(problem, connection=tight), gap=1e-7)
    event(f"the tighter limit holds: {not after.unmet}")
    if not after.unmet:
        assert after.objective_eur >= plan.objective_eur - SLACK_EUR


@settings(SEARCH, max_examples=10)
@given(problems())
def test_the_same_site_gives_the_same_plan(problem: SiteProblem) -> None:
    one, two = solve(problem), solve(problem)
    assert one.objective_eur == two.objective_eur
    for name, series in one.devices.items():
        for quantity, values in series.items():
            assert np.array_equal(values, two.devices[name][quantity]), (name, quantity)
