"""Heat devices on sites small enough to solve by hand."""

import math

import numpy as np
import pytest

from optimization.engine import Schedule, SiteProblem, baseline, solve, verify
from optimization.engine.devices import Boiler, Chp, HeatLoad, HeatPump, HeatStorage
from optimization.engine.devices.heat_pump_map import HeatPumpMap
from tests.optimization.engine.sites import at, site


def plan_of(problem: SiteProblem) -> Schedule:
    plan = solve(problem, gap=1e-9)
    assert verify(problem, plan) == ()
    return plan


def store(**changes: float | None) -> HeatStorage:
    given = {"capacity_kwh": 20.0, "min_soc_percent": 0.0, "max_soc_percent": 100.0, "initial_soc_percent": 50.0}
    return HeatStorage(name="store", **{**given, **changes})


def pump(**changes: object) -> HeatPump:
    return HeatPump(name="hp", **{"rated_power_kw": 2.0, "ambient_temperature_c": 2.0, **changes})


def test_heat_pump_map_gives_the_reference_values() -> None:
    reference = HeatPump(name="hp", rated_power_kw=4, ambient_temperature_c=0.0)
    assert reference.full_power_kw[0] == pytest.approx(3.927841002659657, rel=1e-12)
    assert reference.cop[0] == pytest.approx(2.766313790894517, rel=1e-12)
    assert reference.full_heat_kw[0] == pytest.approx(10.865640734098355, rel=1e-12)


def test_heat_pump_map_of_a_maker_needs_no_particular_temperatures() -> None:
    measured = HeatPumpMap(
        supply_c=(35.0, 55.0), ambient_c=(-10.0, 10.0), electric_kw=((2, 2), (3, 3)), heat_kw=((6, 8), (6, 9))
    )
    own = HeatPump(
        name="hp",
        rated_power_kw=5,
        supply_temperature_c=45,
        ambient_temperature_c=[-10, 0, 10],
        performance_map=measured,
    )
    assert own.full_power_kw.tolist() == pytest.approx([5, 5, 5])
    assert own.cop.tolist() == pytest.approx([6 / 2.5, 14.5 / 5, 8.5 / 2.5])


def test_heat_pump_map_does_not_turn_upward_outside_its_range() -> None:
    cold = HeatPump(name="hp", rated_power_kw=4, ambient_temperature_c=[-25.0, -7.0, 20.0, 40.0])
    assert cold.cop[0] == cold.cop[1]
    assert cold.cop[2] == cold.cop[3]


def test_heat_pump_runs_when_power_is_cheap_and_the_store_bridges() -> None:
    problem = site(pump(), store(), HeatLoad(name="h", demand_kw=1.5), hours=3, buy=[0.4, 0.1, 0.4])
    plan = plan_of(problem)
    assert plan.devices["hp"]["on"].tolist() == [0, 1, 0]
    assert plan.devices["store"]["energy_kwh"][-1] >= 10 - 1e-9
    assert plan.devices["hp"]["heat_kw"][1] == pytest.approx(-pump().full_heat_kw[0])


def test_modulating_heat_pump_follows_the_load_without_a_store() -> None:
    modulating = pump(modulating=True, min_power_fraction=0.3)
    full, power = float(modulating.full_heat_kw[0]), float(modulating.full_power_kw[0])
    plan = plan_of(site(modulating, HeatLoad(name="h", demand_kw=[full, full / 2, full * 0.3, 0])))
    assert plan.unmet == ()
    assert plan.devices["hp"]["power_kw"].tolist() == pytest.approx([power, power / 2, power * 0.3, 0])


def test_minimum_run_and_rest_times_hold_also_for_the_past() -> None:
    busy = pump(min_run_minutes=180, min_rest_minutes=120, initially_on=True, initial_minutes=60)
    plan = plan_of(site(busy, store(capacity_kwh=100.0), HeatLoad(name="h", demand_kw=3), hours=8, buy=0.3))
    on = plan.devices["hp"]["on"]
    assert on[:2].tolist() == [1, 1]
    edges = np.flatnonzero(np.diff(on)) + 1
    lengths = dict(zip(edges[:-1], np.diff(edges), strict=True))
    assert all(length >= (3 if on[edge] else 2) for edge, length in lengths.items())


def test_chp_pays_for_gas_and_starts_and_earns_from_power() -> None:
    chp = Chp(name="chp", electric_power_kw=3, start_cost_eur=0.25)
    plan = plan_of(site(chp, store(), HeatLoad(name="h", demand_kw=6.5), hours=2, gas=0.05, sell=0.2))
    assert plan.devices["chp"]["on"].tolist() == [1, 1]
    assert plan.cost.gas_eur == pytest.approx(2 * 10 * 0.05)
    assert plan.cost.export_eur == pytest.approx(-2 * 3 * 0.2)
    assert plan.cost.start_eur == pytest.approx(0.25)


def test_boiler_gas_follows_its_efficiency() -> None:
    plan = plan_of(site(Boiler(name="b", heat_power_kw=5, efficiency=0.8), HeatLoad(name="h", demand_kw=4), gas=0.1))
    assert plan.cost.gas_eur == pytest.approx(4 * 4 / 0.8 * 0.1)


def test_heat_that_is_missing_or_too_much_is_reported_step_by_step() -> None:
    cold = plan_of(site(Boiler(name="b", heat_power_kw=5), HeatLoad(name="h", demand_kw=[5, 7, 5, 6])))
    assert [(u.device, u.wish, u.start, u.amount) for u in cold.unmet] == [
        ("h", "heat demand", at(1), pytest.approx(2)),
        ("h", "heat demand", at(3), pytest.approx(1)),
    ]
    stuck = pump(initially_on=True, initial_minutes=0, min_run_minutes=60)
    hot = plan_of(site(stuck, HeatLoad(name="h", demand_kw=1), Boiler(name="b", heat_power_kw=1)))
    assert [(u.device, u.wish, u.start) for u in hot.unmet] == [("site", "heat that nothing can take", at(0))]
    assert hot.heat_surplus_kw[0] == pytest.approx(float(pump().full_heat_kw[0]) - 1)


def test_store_loses_heat_and_keeps_its_power_limits() -> None:
    leaky = store(loss_percent_per_day=50.0, final_soc_percent=None, discharge_power_kw=1.0)
    plan = plan_of(site(leaky, HeatLoad(name="h", demand_kw=2), Boiler(name="b", heat_power_kw=9), hours=24))
    kept = 0.5 ** (1 / 24)
    heat = plan.devices["store"]["heat_kw"]
    assert heat.min() >= -1 - 1e-9
    assert plan.devices["store"]["energy_kwh"][0] == pytest.approx(10 * kept + heat[0])


def test_thermostat_keeps_the_store_at_its_final_level() -> None:
    problem = site(pump(), store(), Boiler(name="b", heat_power_kw=9), HeatLoad(name="h", demand_kw=3), hours=24)
    idle = baseline(problem)
    assert verify(problem, idle) == ()
    assert idle.unmet == ()
    assert idle.gap == math.inf
    assert idle.devices["store"]["energy_kwh"].min() >= 10 - 1e-9
