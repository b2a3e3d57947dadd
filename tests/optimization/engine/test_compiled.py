"""The compiled model is the Pyomo model, and the short ways through it lead to the same optimum."""

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from optimization.engine import Horizon, SiteProblem, formulation, milp, solve, warm_starts
from optimization.engine.compiled import Compiled, Filled, cache, compile_topology
from optimization.engine.devices import Battery
from optimization.engine.formulation import formulate
from optimization.engine.highs import Answer, Program
from optimization.engine.previous import Remembered
from optimization.engine.topology import Site, Topology
from optimization.engine.wishes import missed_by_rank
from tests.optimization.engine.mixes import MIXES
from tests.optimization.engine.strategies import problems


def as_dense(filled: Filled, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    matrix = np.zeros(shape)
    np.add.at(matrix, (rows, columns), filled.values)
    return matrix


def check_against_pyomo(problem: SiteProblem) -> None:
    """Compare goal, rows, bounds and integrality with what Pyomo's own compiler writes for this very site."""
    site = Site(problem)
    compiled = cache.get(site.topology)
    filled = compiled.fill(site.numbers)
    written = formulate(site.topology)
    written.fill(site.numbers)
    model = written.model
    form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=pyo.minimize)
    ours = {}
    for index, block in enumerate([*(f"device_{i}" for i in range(len(site.devices))), "site"]):
        for name, place in compiled.variables[index].items():
            variable = getattr(getattr(model, block), name)
            ours |= {id(variable[key]): place.start + k for k, key in enumerate(variable)}
    assert len(ours) == compiled.column_count
    places = np.array([ours[id(column)] for column in form.columns], dtype=int)
    assert filled.goal[places] == pytest.approx(form.c.toarray()[0])
    assert np.count_nonzero(filled.goal) == np.count_nonzero(filled.goal[places])
    assert filled.goal_offset == pytest.approx(float(form.c_offset[0]))
    for column, place in zip(form.columns, places, strict=True):
        assert filled.low[place] == pytest.approx(-np.inf if column.lb is None else column.lb)
        assert filled.high[place] == pytest.approx(np.inf if column.ub is None else column.ub)
        assert compiled.integer[place] == (column.is_integer() or column.is_binary())
    shape = (compiled.row_count, compiled.column_count)
    dense = as_dense(filled, compiled.rows, compiled.column_of_value, shape)
    constraints = {id(row): k for k, row in enumerate(model.component_data_objects(pyo.Constraint))}
    for k, row in enumerate(form.rows):
        mine = constraints[id(row.constraint)]
        assert dense[mine][places] == pytest.approx(form.A.toarray()[k])
        if row.bound_type <= 0:
            assert filled.row_low[mine] == pytest.approx(float(form.rhs[k]))
        if row.bound_type >= 0:
            assert filled.row_high[mine] == pytest.approx(float(form.rhs[k]))


@settings(max_examples=25, deadline=None)
@given(problems())
def test_filled_numbers_are_those_that_pyomo_writes(problem: SiteProblem) -> None:
    check_against_pyomo(problem)


@pytest.mark.parametrize("mix", MIXES)
def test_sites_of_a_mix_share_few_models(mix: str) -> None:
    topologies = {Site(MIXES[mix](np.random.default_rng(seed), count=24)).topology for seed in range(20)}
    assert len(topologies) <= 2


def test_a_second_site_is_filled_into_the_model_of_the_first() -> None:
    first, second = (Site(MIXES["colony"](np.random.default_rng(seed), count=24)) for seed in (1, 2))
    assert first.topology == second.topology
    compiled = compile_topology(first.topology)
    assert cache.get(second.topology) is cache.get(first.topology)
    assert not np.array_equal(compiled.fill(first.numbers).goal, compiled.fill(second.numbers).goal)


def optimum(problem: SiteProblem) -> float:
    """Return the optimum of the full model, every binary at once, without any short way."""
    answer, worth = tree(problem, plain_model(Site(problem).topology))
    assert answer.values is not None
    return worth


def tree(problem: SiteProblem, compiled: Compiled, *, wishes: bool = True) -> tuple[Answer, float]:
    """Solve the model with every binary at once; return the answer and what it is worth."""
    program = Program(compiled, compiled.fill(Site(problem).numbers))
    if wishes:
        for rank in compiled.ranks:
            program.high[rank] = 0.0
    answer = program.solve(program.goal, gap=1e-4, time_limit=60)
    return answer, math.nan if answer.values is None else float(program.goal @ answer.values) + program.goal_offset


@lru_cache
def plain_model(topology: Topology) -> Compiled:
    """Return the model without the rows that only help the linear relaxation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formulation, "_tighten", lambda *_: None)
        return compile_topology(topology)


@given(problem=problems())
@settings(max_examples=60, deadline=None)
def test_what_follows_from_whole_states_excludes_no_plan(problem: SiteProblem) -> None:
    topology = Site(problem).topology
    (plain, worth), (tight, same) = (
        tree(problem, compiled, wishes=False) for compiled in (plain_model(topology), cache.get(topology))
    )
    assert (plain.values is None) == (tight.values is None)
    assert same == pytest.approx(worth, rel=2e-4, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("mix", MIXES)
def test_linear_first_finds_the_optimum_of_the_plain_model(mix: str) -> None:
    for seed in range(40):
        problem = MIXES[mix](np.random.default_rng(seed), count=16, odd=seed % 4 == 0)
        plan = solve(problem, gap=1e-3)
        if plan.unmet:
            continue
        plain = optimum(problem)
        assert plan.status == "optimal"
        assert plan.gap <= 1e-3
        assert abs(plan.objective_eur - plain) <= 1.2e-3 * abs(plain) + 1e-6, seed
        assert plan.bound_eur <= plain + 1e-4 * abs(plain) + 1e-6


def with_empty_battery(problem: SiteProblem) -> SiteProblem:
    """Return the site with a battery that starts far below what is wished."""
    devices = [
        replace(device, initial_soc_percent=0.0, min_soc_percent=45.0) if isinstance(device, Battery) else device
        for device in problem.devices
    ]
    return replace(problem, devices=tuple(devices))


@pytest.mark.parametrize("mix", MIXES)
def test_wishes_yield_as_little_by_linear_programmes_as_by_trees(mix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [with_empty_battery(MIXES[mix](np.random.default_rng(seed), count=16)) for seed in range(6)]
    linear = [solve(problem, gap=1e-3) for problem in problems]
    monkeypatch.setattr(milp, "least_misses", lambda *_: None)
    for problem, first in zip(problems, linear, strict=True):
        tree = solve(problem, gap=1e-3)
        assert first.unmet
        assert missed_by_rank(first.unmet) == pytest.approx(missed_by_rank(tree.unmet), rel=1e-4, abs=1e-4)


def test_warm_starts_change_no_cost() -> None:
    problems = [MIXES["+ EV"](np.random.default_rng(seed), count=24) for seed in range(8)]
    cold = [solve(problem, gap=1e-4).objective_eur for problem in problems]
    with warm_starts():
        warm = [solve(problem, gap=1e-4).objective_eur for problem in problems]
    assert warm == pytest.approx(cold, rel=2e-4, abs=1e-4)


def house(seed: int, count: int = 48) -> SiteProblem:
    """Return a house whose heat pump has states that the linear programme does not give away."""
    return MIXES["+ heat pump + heat store"](np.random.default_rng(seed), count=count)


def test_a_previous_plan_that_is_good_enough_is_kept() -> None:
    for seed in range(6):
        best = solve(house(seed), gap=1e-5)
        again = solve(house(seed), gap=5e-3, previous=best)
        assert np.array_equal(again.devices["heat pump"]["on"], best.devices["heat pump"]["on"]), seed
        assert again.objective_eur == pytest.approx(best.objective_eur, rel=1e-6)


def test_a_previous_plan_is_no_worse_a_start_for_the_rest_of_the_day() -> None:
    for seed in range(6):
        whole = house(seed)
        horizon = Horizon(whole.horizon.start + 8 * whole.horizon.step, whole.horizon.step, 40)
        rest = house(seed + 20, count=40)
        rest = SiteProblem(horizon=horizon, devices=rest.devices, prices=rest.prices, connection=rest.connection)
        cold, warm = solve(rest, gap=1e-3), solve(rest, gap=1e-3, previous=solve(whole, gap=1e-3))
        assert warm.status == "optimal"
        assert warm.objective_eur == pytest.approx(cold.objective_eur, rel=2e-3)


def test_a_useless_previous_plan_does_no_harm() -> None:
    problem = house(3)
    always = Remembered(problem.horizon, {"heat pump": {"on": np.ones(48)}, "gone": {"on": np.ones(48)}})
    plan = solve(problem, gap=1e-3, previous=always)
    assert plan.objective_eur == pytest.approx(solve(problem, gap=1e-3).objective_eur, rel=2e-3)
