"""`verify` finds every way in which a plan can be spoilt."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from optimization.engine import GridConnection, Schedule, SiteProblem, solve, verify
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
    ShiftableLoad,
    Stay,
)
from tests.optimization.engine.sites import at, site


@pytest.fixture(scope="module")
def problem() -> SiteProblem:
    return site(
        ElectricLoad(name="load", demand_kw=2),
        HeatLoad(name="heat", demand_kw=4),
        Photovoltaic(name="pv", capacity_kw=3, yield_kw_per_kw=0.5),
        Battery(name="battery", capacity_kwh=6, charge_power_kw=2, discharge_power_kw=2),
        ElectricVehicle(
            name="car", capacity_kwh=20, charge_power_kw=5, min_charge_power_kw=2,
            stays=(Stay(arrival=at(1), departure=at(4), arrival_soc_percent=20, departure_soc_percent=60),),
        ),
        HeatPump(name="pump", rated_power_kw=1.5, ambient_temperature_c=5, min_run_minutes=120),
        Chp(name="chp", electric_power_kw=1),
        Boiler(name="boiler", heat_power_kw=6),
        HeatStorage(name="store", capacity_kwh=12),
        Generator(name="generator", power_kw=3, min_power_kw=1, fuel_curve=((1, 0.4), (3, 1.0))),
        ShiftableLoad(name="process", profile_kw=[1, 2], latest_end=at(3)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan(problem: SiteProblem) -> Schedule:
    return solve(problem)


def spoilt(plan: Schedule, device: str, **changes: Callable[[np.ndarray], np.ndarray]) -> Schedule:
    series = {**plan.devices[device]}
    for quantity, change in changes.items():
        series[quantity] = change(series[quantity].copy())
    return replace(plan, devices={**plan.devices, device: series})


def first(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values[0] = value
        return values

    return change


SPOILT: list[tuple[str, dict[str, Callable[[np.ndarray], np.ndarray]], str]] = [
    ("load", {"power_kw": lambda v: v * 0.9}, "electric demand"),
    ("heat", {"heat_kw": lambda v: v + 1}, "heat demand"),
    ("heat", {"heat_kw": lambda v: v - 1}, "heat balance"),
    ("pv", {"power_kw": lambda v: v - 2}, "production within what is available"),
    ("pv", {"curtailed_kw": lambda v: v + 1}, "curtailed power"),
    ("battery", {"charge_kw": first(9.0)}, "charging power"),
    ("battery", {"discharge_kw": first(-1.0)}, "discharging power"),
    ("battery", {"charge_kw": first(1.0), "discharge_kw": first(1.0)}, "charging and discharging at once"),
    ("battery", {"energy_kwh": lambda v: v + 0.1}, "stored energy"),
    ("battery", {"energy_kwh": lambda v: v + 9}, "stored energy within its capacity"),
    ("battery", {"power_kw": lambda v: v + 0.1}, "electric balance"),
    ("battery", {"soc_percent": lambda v: v + 1}, "state of charge"),
    ("store", {"soc_percent": lambda v: v + 1}, "state of charge"),
    ("car", {"soc_percent": lambda v: v + 1}, "state of charge"),
    ("car", {"connected": lambda v: 1 - v}, "connected"),
    ("car", {"charge_kw": first(3.0)}, "charging power"),
    ("car", {"charge_kw": lambda v: np.where(v > 0, 1.0, 0.0)}, "lowest charging power"),
    ("car", {"energy_kwh": lambda v: v - 1}, "stored energy"),
    ("pump", {"on": first(0.5)}, "on or off"),
    ("pump", {"on": lambda v: np.array([1.0, 0, 0, 0])}, "minimum run time"),
    ("pump", {"power_kw": lambda v: v + 5}, "output within its range"),
    ("pump", {"heat_kw": lambda v: v - 1}, "heat from power and COP"),
    ("chp", {"gas_kw": lambda v: v + 1}, "gas input"),
    ("chp", {"heat_kw": lambda v: v - 1}, "heat from power"),
    ("boiler", {"heat_kw": lambda v: v - 9}, "heat power"),
    ("boiler", {"gas_kw": lambda v: v * 0}, "gas input"),
    ("store", {"heat_kw": lambda v: v + 1}, "heat balance"),
    ("store", {"energy_kwh": lambda v: v + 1}, "stored energy"),
    ("generator", {"power_kw": lambda v: v - 0.5, "on": lambda v: v * 0}, "power within its range"),
    ("generator", {"fuel_l_per_h": lambda v: v + 1}, "fuel"),
    ("process", {"on": lambda v: np.array([0.0, 0, 1, 1])}, "allowed times"),
    ("process", {"power_kw": lambda v: v * 2}, "shape of the process"),
    ("process", {"on": lambda v: v * 0}, "number of steps"),
    ("process", {"on": lambda v: np.array([1.0, 0, 1, 0])}, "no breaks"),
    ("load", {"power_kw": lambda v: v * np.nan}, "power_kw: a number"),
    ("load", {"power_kw": lambda v: v[:-1]}, "power_kw: one value per step"),
]  # fmt: skip


@pytest.mark.parametrize(("device", "changes", "rule"), SPOILT, ids=[f"{d}: {r}" for d, _, r in SPOILT])
def test_spoilt_series_is_found(
    problem: SiteProblem, plan: Schedule, device: str, changes: dict[str, Callable], rule: str
) -> None:
    assert verify(problem, plan) == ()
    assert rule in {violation.rule for violation in verify(problem, spoilt(plan, device, **changes))}


def test_spoilt_report_is_found(problem: SiteProblem, plan: Schedule) -> None:
    def rules(**changes: object) -> set[str]:
        return {violation.rule for violation in verify(problem, replace(plan, **changes))}

    assert rules(grid_power_kw=plan.grid_power_kw + 1) == {"electric balance"}
    assert rules(heat_surplus_kw=plan.heat_surplus_kw - 1) == {"heat balance", "heat from nowhere"}
    for name in ("import_eur", "gas_eur", "co2_kg"):
        spoilt_cost = replace(plan.cost, **{name: getattr(plan.cost, name) + 1})
        assert rules(cost=spoilt_cost) == {f"reported {name}"}
    assert rules(gap=0.5) == {"reported gap"}
    assert rules(objective_eur=plan.objective_eur + 1) == {"reported objective", "reported gap"}
    assert rules(bound_eur=plan.objective_eur + 1) == {"reported bound above the objective"}
    assert rules(bound_eur=-np.inf) == {"reported gap"}
    assert rules(horizon=replace(plan.horizon, count=3)) == {"the horizon of the problem"}
    assert rules(heat_surplus_kw=np.zeros(1)) == {"heat_surplus_kw: one value per step"}
    assert rules(grid_power_kw=np.zeros((4, 1))) == {"grid_power_kw: one value per step"}


def test_series_that_nobody_has_are_found(problem: SiteProblem, plan: Schedule) -> None:
    def rules(name: str, **series: np.ndarray) -> set[str]:
        devices = {**plan.devices, name: {**plan.devices.get(name, {}), **series}}
        return {violation.rule for violation in verify(problem, replace(plan, devices=devices))}

    forged = np.full(4, -4.0)
    start = "the series of its kind, no more and no fewer"
    assert rules("ghost", power_kw=forged) == {f"{start} (power_kw)"}
    assert rules("load", heat_kw=forged) == {f"{start} (heat_kw)"}
    assert rules("battery", gas_kw=forged) == {f"{start} (gas_kw)"}
    missing = {**plan.devices, "pv": {"power_kw": plan.devices["pv"]["power_kw"]}}
    assert [v.rule for v in verify(problem, replace(plan, devices=missing))] == [f"{start} (curtailed_kw)"]


def test_hidden_misses_are_found() -> None:
    tight = site(ElectricLoad(name="load", demand_kw=2), connection=GridConnection(import_limit_kw=1))
    missing = solve(tight)
    assert missing.unmet
    assert {v.rule for v in verify(tight, replace(missing, unmet=()))} == {"reported missed wishes"}
