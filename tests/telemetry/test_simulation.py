"""Physics of simulated devices: limits are kept, energy is conserved, set-points are obeyed."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.quantities import QUANTITIES
from telemetry.simulation.engine.battery import Battery
from telemetry.simulation.engine.chp import Chp
from telemetry.simulation.engine.electric_vehicle import ElectricVehicle, Stay
from telemetry.simulation.engine.generator import Generator
from telemetry.simulation.engine.heat import Boiler, HeatStorage
from telemetry.simulation.engine.heat_pump import HeatPump
from telemetry.simulation.engine.loads import ElectricLoad, HeatLoad, ShiftableLoad
from telemetry.simulation.engine.pv import Photovoltaic
from telemetry.simulation.engine.site import KINDS, SimulatedSite
from telemetry.simulation.engine.surroundings import Surroundings, Weather
from telemetry.simulation.engine.wind import Wind

ZONE = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 6, 21, 11, tzinfo=UTC)
STEP = 60.0


def weather(seed: int = 1) -> Weather:
    return Weather(48.1, 11.5, Random(seed))  # noqa: S311


def around(now: datetime = NOON, **values: Any) -> Surroundings:
    sky = weather()
    sky.step(now, STEP)
    return Surroundings(now.astimezone(ZONE), sky, Random(1), **values)  # noqa: S311


def battery(soc_percent: float = 50) -> Battery:
    return Battery(
        capacity_kwh=10,
        charge_power_kw=5,
        discharge_power_kw=4,
        charge_efficiency=0.9,
        discharge_efficiency=0.8,
        initial_soc_percent=soc_percent,
        min_soc_percent=10,
        max_soc_percent=90,
    )


def vehicle(**values: Any) -> ElectricVehicle:
    stay = Stay(weekday=None, arrival=time(18), departure=time(7), arrival_soc_percent=30, trip_energy_kwh=None)
    return ElectricVehicle(
        **{
            "capacity_kwh": 40,
            "charge_power_kw": 11,
            "discharge_power_kw": 0,
            "charge_efficiency": 0.95,
            "discharge_efficiency": 0.95,
            "min_charge_power_kw": 1.4,
            "min_soc_percent": 0,
            "max_soc_percent": 100,
            "stays": [stay],
            **values,
        }
    )


def house() -> SimulatedSite:
    devices = {
        "pv": Photovoltaic(capacity_kw=8),
        "wind": Wind(capacity_kw=3),
        "battery": battery(),
        "ev": vehicle(),
        "hp": HeatPump(rated_power_kw=4, supply_temperature_c=45, modulating=True, min_power_fraction=0.3),
        "chp": Chp(
            electric_power_kw=2,
            electric_efficiency=0.3,
            thermal_efficiency=0.6,
            modulating=False,
            min_power_fraction=0.5,
        ),
        "boiler": Boiler(heat_power_kw=6),
        "store": HeatStorage(capacity_kwh=15, initial_soc_percent=60, loss_percent_per_day=5),
        "diesel": Generator(power_kw=5, min_power_kw=1, ramp_kw_per_minute=2),
        "load": ElectricLoad(),
        "heat": HeatLoad(),
        "washing": ShiftableLoad(profile_kw=[1, 2], profile_step_minutes=30, earliest_start=time(9)),
    }
    return SimulatedSite(devices, weather(), ZONE, Random(2))  # noqa: S311


def test_a_day_of_a_house_balances_and_has_only_values_that_are_stored() -> None:
    site = house()
    assert {type(device) for device in site.devices.values()} == set(KINDS.values())
    seen: dict[str, set[float]] = {}
    for minute in range(24 * 60):
        found = site.step(NOON + timedelta(minutes=minute), STEP, {})
        powers = [values["power_kw"] for name, values in found.items() if "power_kw" in values]
        assert found[""]["grid_power_kw"] == pytest.approx(sum(powers))
        for name, values in found.items():
            for quantity, value in values.items():
                known = QUANTITIES[quantity]
                assert known.lowest <= value <= known.highest, (name, quantity, value)
                seen.setdefault(f"{name}.{quantity}", set()).add(value)
    assert min(seen["pv.power_kw"]) < -3 < max(seen["pv.power_kw"]) == 0
    assert seen["ev.connected"] == {0, 1}
    assert seen["washing.power_kw"] == {0, 1, 2}
    assert seen["diesel.power_kw"] == {0}
    for quiet in ("battery.power_kw", "hp.heat_kw", "load.power_kw", "store.soc_percent", "wind.power_kw"):
        assert len(seen[quiet]) > 5, quiet


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=60), st.floats(10, 90))
def test_a_battery_obeys_within_its_limits_and_loses_what_its_efficiencies_say(
    told: list[float], soc_percent: float
) -> None:
    device = battery(soc_percent)
    for setpoint in told:
        before = device.content.energy_kwh
        found = device.step(around(), 600, setpoint)
        power = found["power_kw"]
        assert -4 <= power <= 5
        assert abs(power) <= abs(setpoint) + 1e-9
        hours = 1 / 6
        moved = power * hours * 0.9 if power > 0 else power * hours / 0.8
        assert device.content.energy_kwh - before == pytest.approx(moved)
        assert 10 - 1e-9 <= found["soc_percent"] <= 90 + 1e-9


def test_a_battery_without_a_setpoint_takes_the_surplus() -> None:
    assert battery().step(around(residual_kw=-3), STEP, None)["power_kw"] == 3
    assert battery().step(around(residual_kw=2), STEP, None)["power_kw"] == -2
    assert battery(10).step(around(residual_kw=2), STEP, None)["power_kw"] == 0


def test_a_vehicle_comes_charges_as_told_and_goes() -> None:
    evening = datetime(2026, 6, 21, 16, 30, tzinfo=UTC)
    device = vehicle()
    away = device.step(around(NOON), STEP, 11)
    assert (away["power_kw"], away["connected"]) == (0, 0)
    assert device.step(around(evening), STEP, None)["power_kw"] == 11
    assert device.content.soc_percent == pytest.approx(30 + 100 * 11 * 0.95 / 60 / 40)
    assert device.step(around(evening), STEP, 3)["power_kw"] == 3
    assert device.step(around(evening), STEP, 1)["power_kw"] == 0
    night = datetime(2026, 6, 22, 3, tzinfo=UTC)
    assert device.step(around(night), STEP, -3)["power_kw"] == 0
    assert device.step(around(night), STEP, None)["connected"] == 1


def test_heat_producers_follow_the_store_or_their_setpoint_but_never_overheat() -> None:
    pump = HeatPump(rated_power_kw=4, supply_temperature_c=45, modulating=True, min_power_fraction=0.3)
    unit = Chp(
        electric_power_kw=2, electric_efficiency=0.3, thermal_efficiency=0.6, modulating=False, min_power_fraction=0.5
    )
    for soc, told, pumped, made in (
        (0.2, None, 4, -2),
        (0.9, None, 0, 0),
        (0.5, 2.0, 2, -2),
        (0.5, 0.0, 0, 0),
        (0.99, 4.0, 0, 0),
    ):
        assert pump.step(around(heat_soc=soc), STEP, told)["power_kw"] == pumped
        assert unit.step(around(heat_soc=soc), STEP, None if told is None else -told)["power_kw"] == made
    found = pump.step(around(heat_soc=0.5), STEP, 4)
    assert 2 < -found["heat_kw"] / found["power_kw"] < 7


def test_a_generator_moves_no_faster_than_it_can() -> None:
    device = Generator(power_kw=5, min_power_kw=1, ramp_kw_per_minute=1)
    powers = [-device.step(around(), STEP, told)["power_kw"] for told in (-5, -5, -5, -2, -0.1, None)]
    assert powers == [2, 3, 4, 3, 0, 0]


def test_the_sun_is_up_by_day_only() -> None:
    sky = weather()
    assert sky.sun_height(NOON) > 0.8
    assert sky.sun_height(NOON + timedelta(hours=12)) < 0
    assert sky.sun_height(datetime(2026, 12, 21, 11, tzinfo=UTC)) < 0.4
