"""The optimum equals every proven objective of the reference data."""

import json
from pathlib import Path

import pytest

from optimization.engine import solve
from tests.optimization.engine.reference import WHY_SKIPPED, reference_cases, reference_problem

PROVEN = [case for case in reference_cases() if case.name != "bat"]
pytestmark = pytest.mark.skipif(not PROVEN, reason=WHY_SKIPPED)


def test_all_recorded_sites_are_compared() -> None:
    assert len(PROVEN) == 21


@pytest.mark.parametrize("case", PROVEN, ids=lambda case: case.name)
def test_proven_optimum_is_reached(case: Path) -> None:
    proven = json.loads((case / "objective.json").read_text())["highs_objective"]
    plan = solve(reference_problem(case), gap=1e-7, time_limit=120)
    assert plan.status == "optimal"
    assert plan.unmet == ()
    assert plan.cost.total_eur == pytest.approx(proven, rel=1e-6)
    assert plan.bound_eur == pytest.approx(proven, rel=1e-6)


def test_site_that_the_reference_calls_infeasible_recovers_first() -> None:
    case = next(case for case in reference_cases() if case.name == "bat")
    plan = solve(reference_problem(case))
    battery = plan.devices["bat"]
    assert battery["charge_kw"][:2].tolist() == [3.0, 3.0]
    assert {unmet.wish for unmet in plan.unmet} == {"lowest state of charge"}
    assert [round(unmet.amount, 4) for unmet in plan.unmet] == [0.7875, 0.075]
