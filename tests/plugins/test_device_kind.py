"""A device kind that the tree does not know is planned, checked and compared like any other."""

import pytest

from optimization.engine import ProblemError, SolverError, baseline, solve
from optimization.engine.devices import KINDS, Battery, ElectricLoad, Photovoltaic
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.verify import verify
from tests.optimization.engine.sites import site
from tests.plugins.pool_pump import PoolPump

BUY = [0.4, 0.1, 0.3, 0.2]
PUMP = PoolPump(name="pool", power_kw=2, energy_kwh=3)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, PoolPump.kind, PoolPump)


def test_it_runs_when_it_is_cheap() -> None:
    problem = site(PUMP, buy=BUY)
    plan = solve(problem)
    assert plan.status == "optimal"
    assert plan.devices["pool"]["power_kw"].tolist() == pytest.approx([0, 2, 0, 1])
    assert plan.cost.total_eur == pytest.approx(2 * 0.1 + 1 * 0.2)
    assert verify(problem, plan) == ()


def test_it_lives_with_other_kinds_and_keeps_the_books() -> None:
    others = [
        Battery(name="battery", capacity_kwh=4, charge_power_kw=2, discharge_power_kw=2),
        Photovoltaic(name="pv", capacity_kw=3, yield_kw_per_kw=[0, 0.5, 1, 0]),
        ElectricLoad(name="load", demand_kw=1),
    ]
    problem = site(PUMP, *others, buy=BUY)
    plan = solve(problem)
    assert verify(problem, plan) == ()
    assert plan.cost.total_eur < baseline(problem).cost.total_eur


def test_without_control_it_runs_at_once() -> None:
    assert baseline(site(PUMP, buy=BUY)).devices["pool"]["power_kw"].tolist() == [2, 1, 0, 0]


def test_two_sites_share_one_compiled_model_and_no_number() -> None:
    small, large = (PoolPump(name="pool", power_kw=power, energy_kwh=power) for power in (1, 5))
    assert solve(site(small, buy=BUY)).devices["pool"]["power_kw"].tolist() == pytest.approx([0, 1, 0, 0])
    assert solve(site(large, buy=BUY)).devices["pool"]["power_kw"].tolist() == pytest.approx([0, 5, 0, 0])


def test_a_heuristic_plans_it_too() -> None:
    plan = solve(site(PUMP, buy=BUY), solver="ga", options=SearchOptions(seed=1), time_limit=10)
    assert plan.devices["pool"]["power_kw"].tolist() == pytest.approx([0, 2, 0, 1])


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ProblemError, match=r"pool\.power_kw"):
        PoolPump(name="pool", power_kw=0, energy_kwh=3)
    with pytest.raises((ProblemError, SolverError)):
        solve(site(PoolPump(name="pool", power_kw=1, energy_kwh=9), buy=BUY))
