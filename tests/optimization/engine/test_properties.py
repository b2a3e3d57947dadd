"""What must hold for every site, found by random search."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimization.engine import GridConnection, Schedule, SiteProblem, baseline, solve, verify
from optimization.engine.wishes import missed_by_rank
from tests.optimization.engine.strategies import PARTS, problems

SEARCH = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SLACK_EUR = 2e-5
SLACK_KWH = 2e-3
DEARER = {
    "import_eur_per_kwh": "battery",
    "gas_eur_per_kwh": "chp",
    "fuel_eur_per_l": "generator",
    "peak_eur_per_kw": "car",
    "export_eur_per_kwh": "pv",
}


def at_most(one: Schedule, other: Schedule) -> bool:
    """Tell whether `one` is no worse: it misses less in the first rank that differs, or costs no more."""
    for first, second in zip(missed_by_rank(one.unmet), missed_by_rank(other.unmet), strict=True):
        if abs(first - second) > SLACK_KWH:
            return first < second
    return one.objective_eur <= other.objective_eur + SLACK_EUR + SLACK_KWH * bool(one.unmet)


@pytest.mark.parametrize("part", PARTS)
def test_every_site_solves_verifies_and_beats_its_baseline(part: str) -> None:
    @settings(SEARCH, max_examples=12)
    @given(problems(wanted=part))
    def check(problem: SiteProblem) -> None:
        plan, idle = solve(problem, gap=1e-6), baseline(problem)
        assert plan.status == "optimal"
        assert verify(problem, plan) == ()
        assert [str(violation) for violation in verify(problem, idle)] == []
        assert at_most(plan, idle)

    check()


@pytest.mark.parametrize(("which", "part"), DEARER.items())
def test_a_higher_price_never_lowers_the_cost(which: str, part: str) -> None:
    dearer = 0

    @settings(SEARCH, max_examples=20)
    @given(problems(wanted=part), st.sampled_from([0.02, 0.3]))
    def check(problem: SiteProblem, by: float) -> None:
        nonlocal dearer
        change = -by if which == "export_eur_per_kwh" else by
        prices = replace(problem.prices, **{which: getattr(problem.prices, which) + change})
        plan, after = solve(problem, gap=1e-7), solve(replace(problem, prices=prices), gap=1e-7)
        assert (plan.status, after.status) == ("optimal", "optimal")
        dearer += after.objective_eur > plan.objective_eur + SLACK_EUR
        assert at_most(plan, after)

    check()
    assert dearer >= 1


def test_a_tighter_limit_never_lowers_the_cost() -> None:
    binding = 0

    @SEARCH
    @given(problems(limits=False))
    def check(problem: SiteProblem) -> None:
        nonlocal binding
        plan = solve(problem, gap=1e-7)
        grid = plan.grid_power_kw
        tight = GridConnection(
            import_limit_kw=max(0.0, 0.9 * float(grid.max())), export_limit_kw=max(0.0, -0.9 * float(grid.min()))
        )
        after = solve(replace(problem, connection=tight), gap=1e-7)
        binding += after.objective_eur > plan.objective_eur + SLACK_EUR
        assert at_most(plan, after)

    check()
    assert binding >= 3


@settings(SEARCH, max_examples=10)
@given(problems())
def test_the_same_site_gives_the_same_plan(problem: SiteProblem) -> None:
    one, two = solve(problem), solve(problem)
    assert one.objective_eur == two.objective_eur
    for name, series in one.devices.items():
        for quantity, values in series.items():
            assert np.array_equal(values, two.devices[name][quantity]), (name, quantity)
