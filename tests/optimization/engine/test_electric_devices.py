"""Electric devices on sites small enough to solve by hand."""

from datetime import timedelta

import numpy as np
import pytest

from optimization.engine import Schedule, SiteProblem, baseline, solve, verify
from optimization.engine.devices import (
    Battery,
    ElectricLoad,
    ElectricVehicle,
    Generator,
    Photovoltaic,
    Shift,
    ShiftableLoad,
    Stay,
    Wind,
)
from tests.optimization.engine.sites import at, site

STRAIGHT = {"charge_efficiency": 1.0, "discharge_efficiency": 1.0}
BAND = {"min_soc_percent": 0.0, "max_soc_percent": 100.0}


def plan_of(problem: SiteProblem) -> Schedule:
    plan = solve(problem, gap=1e-9)
    assert verify(problem, plan) == ()
    return plan


def test_battery_buys_low_and_serves_high() -> None:
    battery = Battery(
        name="b", capacity_kwh=4, charge_power_kw=2, discharge_power_kw=2, initial_soc_percent=0, final_soc_percent=0,
        **BAND, **STRAIGHT,
    )  # fmt: skip
    plan = plan_of(site(battery, ElectricLoad(name="l", demand_kw=1), buy=[0.1, 0.2, 0.4, 0.5], sell=0.0))
    assert plan.devices["b"]["power_kw"].tolist() == [2, 0, -1, -1]
    assert plan.devices["b"]["energy_kwh"].tolist() == [2, 2, 1, 0]
    assert plan.cost.total_eur == pytest.approx(3 * 0.1 + 0.2)


def test_battery_efficiencies_and_wear_decide_whether_a_cycle_pays() -> None:
    def cost(wear: float) -> float:
        battery = Battery(
            name="b", capacity_kwh=9, charge_power_kw=1, discharge_power_kw=1, charge_efficiency=0.8,
            discharge_efficiency=0.5, initial_soc_percent=0, final_soc_percent=0, wear_cost_eur_per_kwh=wear, **BAND,
        )  # fmt: skip
        return plan_of(site(battery, ElectricLoad(name="l", demand_kw=1), hours=2, buy=[0.1, 0.5])).cost.total_eur

    assert cost(0.0) == pytest.approx(0.1 * 2 + 0.5 * 0.6)
    assert cost(0.2) == pytest.approx(0.1 * 2 + 0.5 * 0.6 + 0.2 * 0.4)
    assert cost(0.3) == pytest.approx(0.6)


def test_battery_loses_a_share_per_day() -> None:
    battery = Battery(
        name="b", capacity_kwh=10, charge_power_kw=0, discharge_power_kw=0, initial_soc_percent=80,
        final_soc_percent=None, self_discharge_percent_per_day=5,
    )  # fmt: skip
    plan = plan_of(site(battery, hours=24))
    assert plan.devices["b"]["energy_kwh"][-1] == pytest.approx(8 * 0.95)


def test_battery_never_charges_and_discharges_at_once_even_where_burning_energy_pays() -> None:
    battery = Battery(name="b", capacity_kwh=4, charge_power_kw=2, discharge_power_kw=2)
    problem = site(battery, ElectricLoad(name="l", demand_kw=1), buy=-0.2, sell=-0.2)
    battery_plan = plan_of(problem).devices["b"]
    assert np.all(np.minimum(battery_plan["charge_kw"], battery_plan["discharge_kw"]) == 0)


def test_start_below_the_band_recovers_as_fast_as_physics_allows() -> None:
    battery = Battery(
        name="b", capacity_kwh=10, charge_power_kw=2, discharge_power_kw=2, initial_soc_percent=0,
        min_soc_percent=50, final_soc_percent=None, **STRAIGHT,
    )  # fmt: skip
    plan = plan_of(site(battery, buy=[0.9, 0.8, 0.7, 0.1]))
    assert plan.devices["b"]["energy_kwh"].tolist() == pytest.approx([2, 4, 5, 5])
    assert [(unmet.amount, unmet.start) for unmet in plan.unmet] == [
        (pytest.approx(3), at(0)),
        (pytest.approx(1), at(1)),
    ]


def test_curtailing_happens_only_where_allowed() -> None:
    for kind in (Photovoltaic, Wind):
        free = kind(name="p", capacity_kw=5, yield_kw_per_kw=1)
        forced = kind(name="p", capacity_kw=5, yield_kw_per_kw=1, curtailable=False)
        assert plan_of(site(free, sell=-0.1)).cost.total_eur == 0
        assert plan_of(site(forced, sell=-0.1)).cost.total_eur == pytest.approx(4 * 5 * 0.1)


def car(*stays: Stay, **changes: float) -> ElectricVehicle:
    given = {"capacity_kwh": 10.0, "charge_power_kw": 4.0, **STRAIGHT, **changes}
    return ElectricVehicle(name="ev", stays=stays, **given)


def test_car_charges_in_the_cheapest_hours_of_its_stay() -> None:
    stay = Stay(arrival=at(1), departure=at(4), arrival_soc_percent=20, departure_soc_percent=80)
    plan = plan_of(site(car(stay), buy=[0.0, 0.3, 0.1, 0.2]))
    assert plan.devices["ev"]["power_kw"].tolist() == [0, 0, 4, 2]
    assert plan.devices["ev"]["connected"].tolist() == [0, 1, 1, 1]
    assert plan.devices["ev"]["soc_percent"].tolist() == [20, 20, 60, 80]


def test_car_draws_at_least_its_minimum_while_charging() -> None:
    stay = Stay(arrival=at(0), departure=at(4), arrival_soc_percent=20, departure_soc_percent=90)
    plan = plan_of(site(car(stay, min_charge_power_kw=3.0), buy=[0.1, 0.2, 0.3, 0.4]))
    assert plan.devices["ev"]["power_kw"].tolist() == [4, 3, 0, 0]


def test_trip_takes_its_energy_and_a_short_trip_is_reported() -> None:
    morning = Stay(arrival=at(0), departure=at(1), arrival_soc_percent=50, departure_soc_percent=None)
    evening = Stay(arrival=at(3), departure=at(4), trip_energy_kwh=12)
    plan = plan_of(site(car(morning, evening)))
    assert plan.devices["ev"]["power_kw"][0] == 4
    assert [(unmet.wish, unmet.amount) for unmet in plan.unmet] == [("energy for the trip", pytest.approx(3))]


def test_departure_that_cannot_be_reached_is_reported_not_refused() -> None:
    stay = Stay(arrival=at(0), departure=at(1), arrival_soc_percent=0, departure_soc_percent=100)
    plan = plan_of(site(car(stay)))
    assert [(u.device, u.wish, u.amount, u.start) for u in plan.unmet] == [
        ("ev", "state of charge at departure", pytest.approx(6), at(0))
    ]
    assert plan.cost.total_eur == pytest.approx(4 * 0.3)


def test_departure_after_the_horizon_asks_only_for_what_cannot_be_charged_later() -> None:
    stay = Stay(arrival=at(0), departure=at(5), arrival_soc_percent=0, departure_soc_percent=100)
    plan = plan_of(site(car(stay)))
    assert plan.devices["ev"]["energy_kwh"][-1] == pytest.approx(6)


def test_car_feeds_back_only_if_allowed() -> None:
    stay = Stay(arrival=at(0), departure=at(4), arrival_soc_percent=100, departure_soc_percent=50)
    assert plan_of(site(car(stay), sell=0.2)).cost.total_eur == 0
    both_ways = plan_of(site(car(stay, discharge_power_kw=5.0), sell=[0.1, 0.2, 0.1, 0.1]))
    assert both_ways.devices["ev"]["power_kw"].tolist() == [0, -5, 0, 0]


def generator(**changes: object) -> Generator:
    given = {"power_kw": 10.0, "min_power_kw": 4.0, "fuel_curve": ((4, 1.5), (7, 2.4), (10, 3.6)), **changes}
    return Generator(name="dg", **given)


def test_generator_runs_at_the_cheapest_point_of_its_curve() -> None:
    plan = plan_of(site(generator(), ElectricLoad(name="l", demand_kw=20), fuel=0.8, buy=[0.2, 0.29, 0.33, 0.2]))
    assert plan.devices["dg"]["power_kw"].tolist() == [0, -7, -10, 0]
    assert plan.devices["dg"]["fuel_l_per_h"].tolist() == [0, pytest.approx(2.4), pytest.approx(3.6), 0]
    assert plan.cost.fuel_eur == pytest.approx(0.8 * 6.0)


def test_generator_curve_that_gets_steeper_then_flatter_is_followed_exactly() -> None:
    bent = generator(fuel_curve=((4, 1.5), (7, 3.6), (10, 3.9)))
    plan = plan_of(site(bent, ElectricLoad(name="l", demand_kw=6), fuel=0.7, sell=0.0))
    run = plan.devices["dg"]
    assert run["fuel_l_per_h"].tolist() == pytest.approx(bent.fuel(-run["power_kw"], run["on"]).tolist())
    assert run["power_kw"].tolist() == pytest.approx([-4] * 4)


def test_generator_of_one_output_needs_one_point_of_its_curve() -> None:
    fixed = generator(power_kw=4.0, min_power_kw=4.0, fuel_curve=((4, 1.0),))
    run = plan_of(site(fixed, ElectricLoad(name="l", demand_kw=5), fuel=0.8, buy=[0.1, 0.3, 0.1, 0.3])).devices["dg"]
    assert run["power_kw"].tolist() == [0, -4, 0, -4]
    assert run["fuel_l_per_h"].tolist() == [0, 1, 0, 1]


def test_generator_ramps_starts_and_minimum_times() -> None:
    slow = generator(ramp_kw_per_minute=2 / 60, min_run_minutes=180, start_cost_eur=0.5)
    plan = plan_of(site(slow, ElectricLoad(name="l", demand_kw=20), hours=5, fuel=0.5, buy=[0.1, 0.1, 1, 0.1, 0.1]))
    power = -plan.devices["dg"]["power_kw"]
    assert plan.cost.start_eur == pytest.approx(0.5)
    assert power.tolist() == pytest.approx([4, 6, 8, 6, 4])


def test_generator_keeps_a_run_that_began_before_the_horizon() -> None:
    running = generator(initially_on=True, initial_power_kw=5.0, initial_minutes=60, min_run_minutes=180)
    assert plan_of(site(running, buy=0.0, sell=0.0)).devices["dg"]["on"].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (Shift.INFLEXIBLE, [2, 3, 0, 0, 0]),
        (Shift.SHIFTABLE, [0, 0, 0, 2, 3]),
        (Shift.BREAKABLE, [0, 2, 0, 0, 3]),
    ],
)
def test_process_moves_as_far_as_it_may(shift: Shift, expected: list[float]) -> None:
    process = ShiftableLoad(name="w", profile_kw=[2, 3], shift=shift)
    problem = site(process, hours=5, buy=[0.5, 0.1, 0.6, 0.3, 0.1])
    assert plan_of(problem).devices["w"]["power_kw"].tolist() == expected
    assert baseline(problem).devices["w"]["power_kw"].tolist() == [2, 3, 0, 0, 0]


def test_process_keeps_out_of_forbidden_times() -> None:
    process = ShiftableLoad(
        name="w", profile_kw=[2, 3], earliest_start=at(0.5), latest_end=at(5), forbidden=((at(3.5), at(4)),)
    )
    plan = plan_of(site(process, hours=6, buy=[0.0, 0.5, 0.4, 0.0, 0.0, 0.0]))
    assert plan.devices["w"]["on"].tolist() == [0, 1, 1, 0, 0, 0]


def test_any_step_that_divides_the_hour_gives_the_same_energy() -> None:
    stay = Stay(arrival=at(1), departure=at(4), arrival_soc_percent=20, departure_soc_percent=80)
    for minutes in (1, 5, 10, 15, 20, 30, 60):
        step = timedelta(minutes=minutes)
        plan = plan_of(site(car(stay), step=step, buy=0.25))
        assert plan.devices["ev"]["power_kw"].sum() * minutes / 60 == pytest.approx(6)
        assert plan.cost.total_eur == pytest.approx(1.5)
