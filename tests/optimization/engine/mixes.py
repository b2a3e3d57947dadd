"""Random sites of the five mixes that speed and exactness are measured on.

Export pays less than import costs, as in real tariffs; `odd` sites have steps in which it pays as much or more.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from optimization.engine import GridConnection, Horizon, Prices, SiteProblem
from optimization.engine.devices import (
    Battery,
    Boiler,
    Chp,
    Device,
    ElectricLoad,
    ElectricVehicle,
    Generator,
    HeatLoad,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    Stay,
    Wind,
)
from optimization.engine.series import Series

START = datetime(2026, 1, 14, 23, tzinfo=UTC)
STEP = timedelta(minutes=15)
Random = np.random.Generator


def pv_battery(random: Random, count: int = 96, *, odd: bool = False) -> SiteProblem:
    """Return a household with PV and a battery."""
    return _site(random, count, _household(random, count), odd=odd)


def pv_battery_car(random: Random, count: int = 96, *, odd: bool = False) -> SiteProblem:
    """Return the same with an electric vehicle."""
    return _site(random, count, [*_household(random, count), _car(random, count)], odd=odd)


def heat_pump_house(random: Random, count: int = 96, *, odd: bool = False) -> SiteProblem:
    """Return the same with an on/off heat pump (minimum run and rest times) and a heat store."""
    return _site(random, count, [*_household(random, count), _car(random, count), *_heat_pump(random, count)], odd=odd)


def colony(random: Random, count: int = 96, *, odd: bool = False) -> SiteProblem:
    """Return a residential colony of about 20 MW with 0.5 MW each of storage, PV, wind and diesel."""
    devices = [
        ElectricLoad(name="load", demand_kw=20000 * _load(random, count)),
        Photovoltaic(name="pv", capacity_kw=500, yield_kw_per_kw=_sun(random, count)),
        Wind(name="wind", capacity_kw=500, yield_kw_per_kw=_walk(random, count, 0.35, 0.25)),
        _battery(random, "ess", 1000, 500),
        Generator(
            name="diesel",
            power_kw=500,
            min_power_kw=150,
            fuel_curve=((150, 45.0), (325, 86.0), (500, 131.0)),
            start_cost_eur=20,
            min_run_minutes=60,
            min_rest_minutes=60,
        ),
    ]
    limit = 20000 * random.uniform(0.95, 1.1)
    return _site(random, count, devices, GridConnection(import_limit_kw=limit), fuel=random.uniform(0.9, 1.5), odd=odd)


def everything(random: Random, count: int = 96, *, odd: bool = False) -> SiteProblem:
    """Return a block of flats with every heat source: heat pump, CHP that is on or off, boiler and heat store."""
    heat = [
        HeatLoad(name="heat", demand_kw=20 * _walk(random, count, 0.7, 0.25)),
        HeatPump(
            name="heat pump",
            rated_power_kw=4,
            ambient_temperature_c=_temperature(random, count),
            modulating=True,
            min_run_minutes=30,
            min_rest_minutes=30,
        ),
        Chp(
            name="chp",
            electric_power_kw=6,
            electric_efficiency=0.3,
            thermal_efficiency=0.6,
            min_run_minutes=60,
            min_rest_minutes=60,
            start_cost_eur=0.2,
        ),
        Boiler(name="boiler", heat_power_kw=40),
        HeatStorage(name="tank", capacity_kwh=random.uniform(25, 50), loss_percent_per_day=3),
    ]
    return _site(random, count, [*_household(random, count, size=6), _car(random, count), *heat], odd=odd)


MIXES: dict[str, Callable[..., SiteProblem]] = {
    "PV + battery": pv_battery,
    "+ EV": pv_battery_car,
    "+ heat pump + heat store": heat_pump_house,
    "colony": colony,
    "all devices, CHP on/off": everything,
}


def _household(random: Random, count: int, size: float = 1) -> list[Device]:
    return [
        ElectricLoad(name="load", demand_kw=size * random.uniform(2, 6) * _load(random, count)),
        Photovoltaic(name="pv", capacity_kw=size * random.uniform(3, 12), yield_kw_per_kw=_sun(random, count)),
        _battery(random, "battery", size * random.uniform(5, 15), size * random.uniform(3, 6)),
    ]


def _battery(random: Random, name: str, capacity_kwh: float, power_kw: float) -> Battery:
    efficiency = random.uniform(0.9, 0.98)
    return Battery(
        name=name,
        capacity_kwh=capacity_kwh,
        charge_power_kw=power_kw,
        discharge_power_kw=power_kw,
        charge_efficiency=efficiency,
        discharge_efficiency=efficiency,
        initial_soc_percent=random.uniform(20, 80),
        wear_cost_eur_per_kwh=random.choice([0.0, 0.02]),
    )


def _car(random: Random, count: int) -> ElectricVehicle:
    stays = []
    for day in range(-(-count // 96)):
        morning = START + timedelta(days=day)
        leaves = morning + timedelta(hours=random.uniform(6, 9))
        returns = morning + timedelta(hours=random.uniform(16, 19))
        stays += [
            Stay(
                arrival=morning,
                departure=leaves,
                arrival_soc_percent=random.uniform(30, 60),
                departure_soc_percent=random.uniform(60, 80),
            ),
            Stay(
                arrival=returns,
                departure=morning + timedelta(days=1),
                arrival_soc_percent=random.uniform(20, 50),
                departure_soc_percent=50,
            ),
        ]
    return ElectricVehicle(
        name="car",
        capacity_kwh=random.uniform(40, 80),
        charge_power_kw=11,
        discharge_power_kw=random.choice([0.0, 11.0]),
        stays=tuple(stays),
    )


def _heat_pump(random: Random, count: int) -> list[Device]:
    return [
        HeatLoad(name="heat", demand_kw=6 * _walk(random, count, 0.6, 0.2)),
        HeatPump(
            name="heat pump",
            rated_power_kw=random.uniform(2.5, 4),
            ambient_temperature_c=_temperature(random, count),
            modulating=True,
            min_run_minutes=30,
            min_rest_minutes=30,
        ),
        HeatStorage(name="tank", capacity_kwh=random.uniform(15, 40), loss_percent_per_day=3),
    ]


def _site(
    random: Random,
    count: int,
    devices: list[Device],
    connection: GridConnection | None = None,
    *,
    fuel: float = 1.2,
    odd: bool,
) -> SiteProblem:
    buy = 0.12 + _walk(random, count, 0.15, 0.08, low=-0.05)
    sell = buy - 0.05 if random.random() < 0.3 else np.full(count, 0.08)
    if odd:
        sell = buy + random.choice([0.0, 0.05]) * (random.random(count) < 0.1)
    prices = Prices(import_eur_per_kwh=buy, export_eur_per_kwh=sell, gas_eur_per_kwh=0.09, fuel_eur_per_l=fuel)
    return SiteProblem(
        horizon=Horizon(START, STEP, count),
        devices=tuple(devices),
        prices=prices,
        connection=connection or GridConnection(),
    )


def _hours(count: int) -> Series:
    return np.arange(count) / 4 % 24


def _load(random: Random, count: int) -> Series:
    hours = _hours(count)
    daily = 0.35 + 0.3 * np.exp(-(((hours - 8) / 2) ** 2)) + 0.55 * np.exp(-(((hours - 19) / 3) ** 2))
    return np.asarray(np.clip(daily * random.uniform(0.8, 1.1, count), 0.05, 1.0))


def _sun(random: Random, count: int) -> Series:
    clear = np.clip(np.sin((_hours(count) - 6) / 12 * np.pi), 0, None)
    return np.asarray(clear * random.uniform(0.2, 0.9) * random.uniform(0.6, 1.0, count))


def _temperature(random: Random, count: int) -> Series:
    return np.asarray(random.uniform(-5, 10) + 3 * np.sin((_hours(count) - 9) / 12 * np.pi))


def _walk(random: Random, count: int, mean: float, spread: float, low: float = 0.0) -> Series:
    """Return a mean-reverting random walk, not below `low`."""
    values = np.empty(count)
    value = mean
    for step in range(count):
        value += 0.15 * (mean - value) + spread * 0.35 * random.standard_normal()
        values[step] = value
    return np.clip(values, low, 1.0)
