"""Contradictions of physics are refused before solving, with the field's name, its value and what is allowed."""

from collections.abc import Callable

import numpy as np
import pytest

from optimization.engine import GridConnection, Objective, Prices, ProblemError
from optimization.engine.devices import (
    Battery,
    Boiler,
    Chp,
    ElectricLoad,
    ElectricVehicle,
    Generator,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    Shift,
    ShiftableLoad,
    Stay,
)
from tests.optimization.engine.sites import START, at, site

BATTERY = {"name": "b", "capacity_kwh": 5.0, "charge_power_kw": 3.0, "discharge_power_kw": 3.0}
CAR = {"name": "ev", "capacity_kwh": 40.0, "charge_power_kw": 11.0}
STAY = Stay(arrival=at(1), departure=at(2), arrival_soc_percent=20)
CURVE = ((2.0, 1.0), (8.0, 3.0))

WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Battery(**{**BATTERY, "capacity_kwh": -5}), "b.capacity_kwh is -5; allowed: more than 0"),
    (lambda: Battery(**{**BATTERY, "capacity_kwh": float("nan")}), "b.capacity_kwh is nan; allowed: more than 0"),
    (
        lambda: Battery(**BATTERY, charge_efficiency=1.1),
        "b.charge_efficiency is 1.1; allowed: more than 0 and at most 1",
    ),
    (
        lambda: Battery(**BATTERY, min_soc_percent=80, max_soc_percent=20),
        "b.min_soc_percent is 80; allowed: at most max_soc_percent (20)",
    ),
    (lambda: Battery(**{**BATTERY, "name": ""}), "device.name is ''; allowed: a name other than 'site'"),
    (lambda: Boiler(name="k", heat_power_kw=-1), "k.heat_power_kw is -1; allowed: at least 0"),
    (
        lambda: Chp(name="c", electric_power_kw=1, electric_efficiency=0.6, thermal_efficiency=0.6),
        "c.thermal_efficiency is 0.6; allowed: at most 1.1 together with electric_efficiency (lower heating value)",
    ),
    (
        lambda: HeatStorage(name="s", capacity_kwh=1, initial_soc_percent=101),
        "s.initial_soc_percent is 101; allowed: at least 0 and at most 100",
    ),
    (
        lambda: HeatPump(name="h", rated_power_kw=1, ambient_temperature_c=[0.0, 300.0]),
        "h.ambient_temperature_c[1] is 300.0; allowed: a finite number of at least -60 and at most 60",
    ),
    (
        lambda: ElectricLoad(name="l", demand_kw=[1.0, np.nan]),
        "l.demand_kw[1] is nan; allowed: a finite number of at least 0",
    ),
    (
        lambda: Generator(name="g", power_kw=8, min_power_kw=2, fuel_curve=((0, 0), (8, 3))),
        "g.fuel_curve is ((0, 0), (8, 3)); allowed: from min_power_kw (2) to power_kw (8)",
    ),
    (
        lambda: Generator(name="g", power_kw=8, min_power_kw=2, fuel_curve=CURVE, initial_power_kw=3),
        "g.initial_power_kw is 3; allowed: at least 0 and at most 0",
    ),
    (
        lambda: ElectricVehicle(**CAR, stays=(Stay(arrival=at(2), departure=at(1), arrival_soc_percent=5),)),
        f"ev.stays[0].departure is {at(1)}; allowed: later than the arrival ({at(2)})",
    ),
    (
        lambda: ElectricVehicle(**CAR, stays=(STAY, STAY)),
        f"ev.stays[1].arrival is {at(1)}; allowed: not before the previous departure ({at(2)})",
    ),
    (
        lambda: ElectricVehicle(**CAR, stays=(Stay(arrival=at(1), departure=at(2)),)),
        "ev.stays[0].arrival_soc_percent is missing; allowed: 0 to 100",
    ),
    (
        lambda: site(ElectricLoad(name="l", demand_kw=[1, 2, 3]), hours=4),
        "l.demand_kw is 3 values; allowed: 4 values, one per step",
    ),
    (
        lambda: site(buy=[0.1] * 95, hours=24),
        "prices.import_eur_per_kwh is 95 values; allowed: 24 values, one per step",
    ),
    (
        lambda: site(Battery(**BATTERY), Battery(**BATTERY)),
        "devices is two devices named b; allowed: a name of its own for each device",
    ),
    (
        lambda: site(ShiftableLoad(name="w", profile_kw=[1] * 5), hours=4),
        "w.profile_kw is 5 steps in a row; allowed: what fits between earliest_start and latest_end outside forbidden "
        "times (4 steps)",
    ),
    (
        lambda: site(ShiftableLoad(name="w", profile_kw=[1, 1], shift=Shift.BREAKABLE, latest_end=at(1)), hours=4),
        "w.profile_kw is 2 steps; allowed: what fits between earliest_start and latest_end outside forbidden times "
        "(1 steps)",
    ),
    (
        lambda: Battery(**{**BATTERY, "name": "site"}),
        "device.name is 'site'; allowed: a name other than 'site'",
    ),
    (lambda: Battery(**{**BATTERY, "capacity_kwh": "5"}), "b.capacity_kwh is '5'; allowed: more than 0"),
    (lambda: Battery(**{**BATTERY, "capacity_kwh": True}), "b.capacity_kwh is True; allowed: more than 0"),
    (lambda: ElectricLoad(name="l", demand_kw=["a"]), "l.demand_kw is ['a']; allowed: numbers, one per step"),
    (
        lambda: ElectricLoad(name="l", demand_kw=[[1, 2], [3, 4]]),
        "l.demand_kw is an array of shape (2, 2); allowed: numbers, one per step",
    ),
    (lambda: ShiftableLoad(name="w", profile_kw=[]), "w.profile_kw is empty; allowed: at least one step"),
    (
        lambda: ShiftableLoad(name="w", profile_kw=[1], forbidden=((at(2), at(1)),)),
        f"w.forbidden[0][1] is {at(1)}; allowed: later than its begin ({at(2)})",
    ),
    (
        lambda: ShiftableLoad(name="w", profile_kw=[1], latest_end=at(2).replace(tzinfo=None)),
        "w.latest_end is 2026-01-15 02:00:00; allowed: a time with a time zone",
    ),
    (
        lambda: Generator(name="g", power_kw=8, fuel_curve=5),
        "g.fuel_curve is 5; allowed: points of (power in kW, fuel in l/h)",
    ),
    (lambda: site(3), "devices is 3; allowed: devices of the kinds in optimization.engine.devices"),
    (
        lambda: HeatStorage(name="s", capacity_kwh=1, useful_temperature_c=80),
        "s.useful_temperature_c is 80; allowed: at least 18 and at most 50",
    ),
    (lambda: Prices(import_eur_per_kwh=np.inf), "prices.import_eur_per_kwh[0] is inf; allowed: a finite number"),
    (
        lambda: GridConnection(import_limit_kw=-1),
        "connection.import_limit_kw is -1; allowed: at least 0",
    ),
    (
        lambda: Objective(cost_weight=0),
        "objective.cost_weight is 0; allowed: more than 0 where co2_eur_per_kg is 0",
    ),
    (
        lambda: Photovoltaic(name="p", capacity_kw=5, yield_kw_per_kw=[0, 2]),
        "p.yield_kw_per_kw[1] is 2.0; allowed: a finite number of at least 0 and at most 1.5",
    ),
    (
        lambda: ElectricVehicle(**CAR, stays=(Stay(arrival=START.replace(tzinfo=None), departure=at(1)),)),
        "ev.stays[0].arrival is 2026-01-15 00:00:00; allowed: a time with a time zone",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message.split(";")[0] for _, message in WRONG])
def test_contradictions_are_refused_by_name(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ProblemError) as error:
        make()
    assert str(error.value) == message
