"""Wishes yield in their order and only where physics leaves no choice."""

import numpy as np
import pytest

from optimization.engine import GridConnection, Schedule, SiteProblem, baseline, solve
from optimization.engine.devices import (
    Battery,
    Boiler,
    Chp,
    ElectricLoad,
    ElectricVehicle,
    Generator,
    HeatLoad,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    Stay,
)
from optimization.engine.wishes import Wish, missed_by_rank
from tests.optimization.engine.sites import at, site


def missed(plan: Schedule) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for record in plan.unmet:
        amounts[record.wish] = amounts.get(record.wish, 0.0) + record.amount
    return amounts


@pytest.mark.parametrize("hours", [4, 96])
def test_comfort_and_site_limits_come_before_bands_whatever_the_horizon(hours: int) -> None:
    store = HeatStorage(name="s", capacity_kwh=8, min_soc_percent=50, initial_soc_percent=50, final_soc_percent=None)
    cold = solve(site(store, HeatLoad(name="h", demand_kw=[2, 2] + [0] * (hours - 2)), hours=hours))
    assert set(missed(cold)) == {Wish.MIN_SOC}
    battery = Battery(
        name="b", capacity_kwh=8, charge_power_kw=4, discharge_power_kw=4, min_soc_percent=50, final_soc_percent=None
    )
    load = ElectricLoad(name="l", demand_kw=[3] + [1] * (hours - 1))
    tight = solve(site(battery, load, hours=hours, connection=GridConnection(import_limit_kw=1)))
    assert set(missed(tight)) == {Wish.MIN_SOC}


def test_no_cost_is_too_high_for_a_wish() -> None:
    generator = Generator(name="g", power_kw=1, fuel_curve=((0, 0), (1, 0.4)), start_cost_eur=5000)
    held = solve(
        site(generator, ElectricLoad(name="l", demand_kw=10.002), connection=GridConnection(import_limit_kw=10))
    )
    assert held.unmet == ()
    assert held.cost.start_eur == 5000
    chp = Chp(name="c", electric_power_kw=1, start_cost_eur=5000)
    store = HeatStorage(name="s", capacity_kwh=10, initial_soc_percent=20)
    assert solve(site(chp, store, HeatLoad(name="h", demand_kw=1), hours=8)).unmet == ()


def car(*stays: Stay) -> ElectricVehicle:
    return ElectricVehicle(name="ev", capacity_kwh=40, charge_power_kw=10, charge_efficiency=1, stays=stays)


def test_a_trip_is_charged_for_before_it_begins() -> None:
    ev = car(
        Stay(arrival=at(0), departure=at(1), arrival_soc_percent=50),
        Stay(arrival=at(2), departure=at(3), trip_energy_kwh=22),
    )
    plan = solve(site(ev, hours=4, buy=[0.3, 0.3, 0.1, 0.1]))
    assert plan.unmet == ()
    assert plan.devices["ev"]["charge_kw"].tolist() == pytest.approx([2, 0, 0, 0])


def test_a_trip_that_returns_after_the_horizon_counts() -> None:
    ev = car(
        Stay(arrival=at(0), departure=at(1), arrival_soc_percent=50),
        Stay(arrival=at(6), departure=at(8), trip_energy_kwh=35),
    )
    plan = solve(site(ev, hours=3))
    assert plan.devices["ev"]["charge_kw"].tolist() == pytest.approx([10, 0, 0])
    assert [(u.wish, u.amount, u.start) for u in plan.unmet] == [(Wish.TRIP_ENERGY, pytest.approx(5), at(0))]
    assert baseline(site(ev, hours=3)).unmet == plan.unmet


def test_a_missing_trip_makes_no_energy() -> None:
    ev = ElectricVehicle(
        name="ev", capacity_kwh=40, charge_power_kw=10, discharge_power_kw=10, stays=(
            Stay(arrival=at(0), departure=at(1), arrival_soc_percent=0),
            Stay(arrival=at(2), departure=at(4), trip_energy_kwh=12),
        ),
    )  # fmt: skip
    load = ElectricLoad(name="l", demand_kw=[0, 0, 5, 5])
    plan = solve(site(ev, load, connection=GridConnection(import_limit_kw=4)))
    assert missed(plan) == {Wish.TRIP_ENERGY: pytest.approx(12 - 4 * 0.95), Wish.IMPORT_LIMIT: pytest.approx(2)}
    assert plan.devices["ev"]["energy_kwh"].min() >= 0


def negative_prices() -> SiteProblem:
    steps = np.arange(48)
    return site(
        ElectricLoad(name="l", demand_kw=1 + np.sin(steps / 7) ** 2),
        HeatLoad(name="h", demand_kw=3 + 2 * np.cos(steps / 15)),
        HeatPump(name="hp", rated_power_kw=2, ambient_temperature_c=3),
        Chp(name="chp", electric_power_kw=2),
        Boiler(name="k", heat_power_kw=4),
        HeatStorage(name="s", capacity_kwh=15),
        *(Battery(name=f"b{i}", capacity_kwh=5, charge_power_kw=3, discharge_power_kw=3) for i in range(3)),
        Photovoltaic(name="pv", capacity_kw=5, yield_kw_per_kw=np.clip(np.sin(steps / 8), 0, 1)),
        hours=48,
        buy=(0.1 + 0.2 * np.sin(steps / 9)).tolist(),
        sell=(0.05 + 0.2 * np.sin(steps / 9)).tolist(),
    )


def test_a_time_limit_at_negative_prices_still_gives_a_plan_of_the_solver() -> None:
    plan = solve(negative_prices(), gap=0.0, time_limit=3)
    assert plan.solver == "milp"
    assert plan.unmet == ()
    assert plan.cost.total_eur < 0
    assert plan.gap < 0.5


def test_of_two_places_for_the_same_miss_the_one_is_taken_that_spares_later_ranks() -> None:
    store = Battery(
        name="battery",
        capacity_kwh=10,
        charge_power_kw=5,
        discharge_power_kw=5,
        charge_efficiency=1,
        discharge_efficiency=1,
        initial_soc_percent=50,
        min_soc_percent=50,
        final_soc_percent=None,
    )
    load = ElectricLoad(name="load", demand_kw=[10, 10])
    plan = solve(site(store, load, hours=2, connection=GridConnection(import_limit_kw=5)))
    assert plan.devices["battery"]["discharge_kw"].tolist() == pytest.approx([0, 5])
    assert missed_by_rank(plan.unmet) == pytest.approx((5, 0, 0, 5))
