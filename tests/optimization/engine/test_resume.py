"""A site goes on in the middle of its plan: what is left of an optimal plan is an optimal plan of what is left."""

import math
from dataclasses import replace

import numpy as np
import pytest

from optimization.engine import GridConnection, ProblemError, SiteProblem, solve, verify
from optimization.engine.devices import (
    Battery,
    Chp,
    Device,
    ElectricLoad,
    ElectricVehicle,
    Generator,
    HeatLoad,
    Shift,
    ShiftableLoad,
    Stay,
)
from optimization.engine.resume import rest_of, rest_of_schedule, states_at
from tests.optimization.engine.mixes import MIXES
from tests.optimization.engine.sites import at, site

GAP = 1e-3


@pytest.mark.parametrize("mix", [name for name in MIXES if "CHP" not in name])
@pytest.mark.parametrize("step", [7, 20])
def test_the_rest_of_an_optimal_plan_is_optimal(mix: str, step: int) -> None:
    problem = MIXES[mix](np.random.default_rng(step), 32)
    plan = solve(problem, gap=1e-6)
    rest = rest_of(problem, step, states_at(problem, plan, step), import_so_far_kw=plan.grid_power_kw[:step].max())
    left = rest_of_schedule(plan, rest)
    assert verify(rest, left) == ()
    again = solve(rest, gap=1e-6)
    assert verify(rest, again) == ()
    assert [(each.wish, each.device) for each in again.unmet] == [(each.wish, each.device) for each in left.unmet]
    assert again.objective_eur == pytest.approx(left.objective_eur, abs=GAP, rel=GAP)


def test_what_is_left_begins_as_it_stands_and_not_as_planned() -> None:
    battery = Battery(name="battery", capacity_kwh=10, charge_power_kw=5, discharge_power_kw=5, final_soc_percent=None)
    problem = site(battery, ElectricLoad(name="load", demand_kw=2.0), buy=[0.1, 0.1, 0.5, 0.5])
    plan = solve(problem)
    states = states_at(problem, plan, 2) | {"battery": {"soc_percent": 30.0}}
    rest = rest_of(problem, 2, states)
    assert rest.horizon.start == at(2)
    np.testing.assert_array_equal(rest.price("import_eur_per_kwh"), [0.5, 0.5])
    found = solve(rest)
    assert verify(rest, found) == ()
    # From 30 to 10 percent of 10 kWh, by an efficiency of 0.95.
    assert found.devices["battery"]["discharge_kw"].sum() == pytest.approx(2 * 0.95)


def test_a_generator_remembers_for_how_long_it_runs() -> None:
    curve = ((4, 1.5), (10, 3.0))
    engine = Generator(name="engine", power_kw=10, min_power_kw=4, fuel_curve=curve, min_run_minutes=180)
    problem = site(engine, ElectricLoad(name="load", demand_kw=10.0), hours=6, buy=[0.1, 9, 9, 9, 0.1, 0.1], fuel=1.0)
    plan = solve(problem)
    np.testing.assert_array_equal(plan.devices["engine"]["on"], [0, 1, 1, 1, 0, 0])
    assert states_at(problem, plan, 1)["engine"] == {"on": 0, "power_kw": 0.0}
    assert states_at(problem, plan, 3)["engine"] == {"on": 1, "minutes": 120.0, "power_kw": 10.0}
    assert states_at(problem, plan, 5)["engine"]["minutes"] == 60.0
    cheap = replace(rest_of(problem, 3, states_at(problem, plan, 3)).prices, import_eur_per_kwh=np.full(3, 0.01))
    rest = replace(rest_of(problem, 3, states_at(problem, plan, 3)), prices=cheap)
    np.testing.assert_array_equal(solve(rest).devices["engine"]["on"], [1, 0, 0])


def test_a_chp_that_was_ever_off_may_start_at_once() -> None:
    chp = Chp(name="chp", electric_power_kw=2, min_rest_minutes=600, initial_minutes=math.inf)
    problem = site(chp, HeatLoad(name="heat", demand_kw=0.0))
    plan = solve(problem)
    assert states_at(problem, plan, 2)["chp"] == {"on": 0}
    assert rest_of(problem, 2, states_at(problem, plan, 2)).devices[0].commitment(problem.horizon).held == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("shift", [Shift.SHIFTABLE, Shift.BREAKABLE])
def test_a_process_that_has_begun_is_finished_and_one_that_is_done_is_gone(shift: Shift) -> None:
    washing = ShiftableLoad(name="washing", profile_kw=[1.0, 2.0, 3.0], shift=shift)
    problem = site(washing, hours=6, buy=[0.5, 0.1, 0.1, 0.1, 0.5, 0.5])
    plan = solve(problem)
    np.testing.assert_array_equal(plan.devices["washing"]["power_kw"], [0, 1, 2, 3, 0, 0])
    early = rest_of(problem, 1, states_at(problem, plan, 1))
    np.testing.assert_array_equal(solve(early).devices["washing"]["power_kw"], [1, 2, 3, 0, 0])
    rest = rest_of(problem, 2, states_at(problem, plan, 2))
    np.testing.assert_array_equal(solve(rest).devices["washing"]["power_kw"], [2, 3, 0, 0])
    assert rest_of(problem, 4, states_at(problem, plan, 4)).devices == ()


def car(*stays: Stay) -> ElectricVehicle:
    return ElectricVehicle(name="car", capacity_kwh=50, charge_power_kw=10, charge_efficiency=1.0, stays=stays)


def test_a_car_at_its_charger_and_a_car_on_a_trip() -> None:
    night = Stay(arrival=at(-2), departure=at(3), arrival_soc_percent=40, departure_soc_percent=80)
    day = Stay(arrival=at(5.5), departure=at(8), trip_energy_kwh=10, departure_soc_percent=80)
    problem = site(car(night, day), hours=8, buy=[0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1, 0.2])
    plan = solve(problem)
    assert states_at(problem, plan, 1)["car"]["soc_percent"] == pytest.approx(60)
    for step, soc in ((3, 60), (4, 60), (6, 60)):
        assert states_at(problem, plan, step)["car"]["soc_percent"] == pytest.approx(soc)
    for step in range(1, 8):
        rest = rest_of(problem, step, states_at(problem, plan, step))
        assert verify(rest, rest_of_schedule(plan, rest)) == ()


def test_a_stay_without_a_whole_step_left_does_not_take_the_state_of_the_next() -> None:
    night = Stay(arrival=at(0), departure=at(2.5), arrival_soc_percent=40, departure_soc_percent=60)
    day = Stay(arrival=at(4), departure=at(8), trip_energy_kwh=5)
    problem = site(car(night, day), hours=8)
    plan = solve(problem)
    vehicle = rest_of(problem, 2, states_at(problem, plan, 2)).devices[0]
    assert isinstance(vehicle, ElectricVehicle)
    assert [(stay.arrival, stay.arrival_soc_percent) for stay in vehicle.stays] == [(at(4), pytest.approx(50))]


def test_a_peak_that_was_paid_is_not_paid_again() -> None:
    load: Device = ElectricLoad(name="load", demand_kw=[8.0, 2.0, 6.0, 9.0])
    problem = site(load, buy=0.0, peak_eur_per_kw=1.0)
    plan = solve(problem)
    rest = rest_of(problem, 1, states_at(problem, plan, 1), import_so_far_kw=float(plan.grid_power_kw[0]))
    assert solve(rest).cost.peak_eur == pytest.approx(1.0)


@pytest.mark.parametrize("step", [0, 4, -1])
def test_a_step_that_is_none_is_named(step: int) -> None:
    problem: SiteProblem = site(ElectricLoad(name="load", demand_kw=1.0), connection=GridConnection())
    plan = solve(problem)
    with pytest.raises(ProblemError, match="step is"):
        states_at(problem, plan, step)
    with pytest.raises(ProblemError, match="step is"):
        rest_of(problem, step, {})
