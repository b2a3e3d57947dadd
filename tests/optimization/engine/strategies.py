"""Random sites of all device kinds."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from optimization.engine import Emissions, GridConnection, Horizon, Objective, Prices, SiteProblem
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
    Shift,
    ShiftableLoad,
    Stay,
    Wind,
)

START = datetime(2026, 3, 28, 23, tzinfo=UTC)
HEAT_PARTS = ("chp", "pump", "store")
PARTS = ("battery", "car", "generator", "process", "pv", "wind", *HEAT_PARTS)


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers with two decimals: fine enough to matter, coarse enough to shrink well."""
    return st.integers(round(low * 100), round(high * 100)).map(lambda hundredths: hundredths / 100)


@st.composite
def horizons(draw: st.DrawFn) -> Horizon:
    step = timedelta(minutes=draw(st.sampled_from([5, 15, 30, 60])))
    return Horizon(START, step, draw(st.integers(4, 16)))


def series(draw: st.DrawFn, count: int, low: float, high: float) -> np.ndarray:
    return np.array(draw(st.lists(numbers(low, high), min_size=count, max_size=count)))


@st.composite
def batteries(draw: st.DrawFn, name: str) -> Battery:
    power = draw(numbers(0.5, 5))
    return Battery(
        name=name,
        capacity_kwh=draw(numbers(1, 15)),
        charge_power_kw=power,
        discharge_power_kw=power,
        charge_efficiency=draw(numbers(0.8, 1)),
        discharge_efficiency=draw(numbers(0.8, 1)),
        initial_soc_percent=draw(numbers(0, 100)),
        final_soc_percent=draw(st.sampled_from([None, 50.0])),
        self_discharge_percent_per_day=draw(st.sampled_from([0.0, 3.0])),
        wear_cost_eur_per_kwh=draw(st.sampled_from([0.0, 0.05])),
    )


@st.composite
def cars(draw: st.DrawFn, horizon: Horizon) -> ElectricVehicle:
    third = horizon.count // 3
    second_has_trip = draw(st.booleans())
    return ElectricVehicle(
        name="car",
        capacity_kwh=40,
        charge_power_kw=11,
        discharge_power_kw=draw(st.sampled_from([0.0, 7.0])),
        min_charge_power_kw=draw(st.sampled_from([0.0, 4.1])),
        stays=(
            Stay(
                arrival=horizon.start - timedelta(hours=3),
                departure=horizon.start + third * horizon.step,
                arrival_soc_percent=draw(numbers(0, 100)),
                departure_soc_percent=draw(numbers(0, 100)),
            ),
            Stay(
                arrival=horizon.start + 2 * third * horizon.step,
                departure=horizon.end + timedelta(hours=draw(st.integers(0, 8))),
                arrival_soc_percent=None if second_has_trip else draw(numbers(0, 100)),
                trip_energy_kwh=draw(numbers(0, 20)) if second_has_trip else None,
                departure_soc_percent=draw(st.sampled_from([None, 80.0])),
            ),
        ),
    )


@st.composite
def heat_sides(draw: st.DrawFn, horizon: Horizon, wanted: str | None = None) -> list[Device]:
    minutes = st.sampled_from([0.0, 30.0, 60.0])
    state = {
        "modulating": draw(st.booleans()),
        "min_run_minutes": draw(minutes),
        "min_rest_minutes": draw(minutes),
        "initially_on": draw(st.booleans()),
        "initial_minutes": draw(st.sampled_from([0.0, 15.0, 240.0])),
    }
    ambient = series(draw, horizon.count, -12, 25)
    chosen = {name for name in HEAT_PARTS if name == wanted or draw(st.booleans())}
    devices: list[Device] = [
        HeatLoad(name="heat", demand_kw=series(draw, horizon.count, 0, 8)),
        Boiler(name="boiler", heat_power_kw=draw(st.sampled_from([3.0, 9.0]))),
    ]
    if "pump" in chosen:
        devices.append(HeatPump(name="pump", rated_power_kw=2, ambient_temperature_c=ambient, **state))
    if "chp" in chosen:
        start_cost = draw(st.sampled_from([0.0, 0.2]))
        devices.append(Chp(name="chp", electric_power_kw=2, start_cost_eur=start_cost, **state))
    if "store" in chosen:
        store = HeatStorage(
            name="store",
            capacity_kwh=15,
            charge_power_kw=draw(st.sampled_from([None, 10.0])),
            initial_soc_percent=draw(numbers(0, 100)),
            final_soc_percent=draw(st.sampled_from([None, 50.0])),
            loss_percent_per_day=draw(st.sampled_from([0.0, 10.0])),
        )
        devices.append(store)
    return devices


@st.composite
def generators(draw: st.DrawFn, horizon: Horizon) -> Generator:
    on = draw(st.booleans())
    return Generator(
        name="generator",
        power_kw=8,
        min_power_kw=2,
        fuel_curve=draw(st.sampled_from([((2, 1), (5, 2), (8, 3.5)), ((2, 1), (5, 2.4), (8, 3)), ((2, 1), (8, 3))])),
        ramp_kw_per_minute=draw(st.sampled_from([None, 0.1])),
        start_cost_eur=draw(st.sampled_from([0.0, 0.3])),
        min_run_minutes=draw(st.sampled_from([0.0, 60.0])),
        min_rest_minutes=draw(st.sampled_from([0.0, 60.0])),
        initially_on=on,
        initial_minutes=draw(st.sampled_from([15.0, 600.0])),
        initial_power_kw=draw(st.sampled_from([2.0, 8.0])) if on else 0.0,
    )


@st.composite
def processes(draw: st.DrawFn, horizon: Horizon) -> ShiftableLoad:
    forbidden = (horizon.start + 3 * horizon.step, horizon.start + 4 * horizon.step)
    shift = draw(st.sampled_from(list(Shift)))
    return ShiftableLoad(
        name="process",
        profile_kw=draw(st.sampled_from([(2.0,), (1.0, 3.0), (0.5, 2.0, 1.0)])),
        shift=shift,
        forbidden=draw(st.sampled_from([(), (forbidden,)])) if horizon.count > 7 else (),
    )


@st.composite
def problems(draw: st.DrawFn, *, limits: bool = True, wanted: str | None = None) -> SiteProblem:
    """A site with any of `PARTS`, and surely with the one that is wanted."""
    horizon = draw(horizons())
    count = horizon.count
    devices: list[Device] = [ElectricLoad(name="load", demand_kw=series(draw, count, 0, 5))]
    curtailable = draw(st.booleans())
    sun, wind = series(draw, count, 0, 1), series(draw, count, 0, 1)
    menu = {
        "pv": lambda: [Photovoltaic(name="pv", capacity_kw=6, yield_kw_per_kw=sun, curtailable=curtailable)],
        "wind": lambda: [Wind(name="wind", capacity_kw=4, yield_kw_per_kw=wind)],
        "battery": lambda: [draw(batteries(f"battery {i}")) for i in range(draw(st.integers(1, 2)))],
        "car": lambda: [draw(cars(horizon))],
        "heat": lambda: draw(heat_sides(horizon, wanted)),
        "generator": lambda: [draw(generators(horizon))],
        "process": lambda: [draw(processes(horizon))],
    }
    for name in sorted(menu):
        if name == wanted or (name == "heat" and wanted in HEAT_PARTS) or draw(st.booleans()):
            devices += menu[name]()
    limit = st.sampled_from([None, 4.0, 12.0]) if limits else st.none()
    return SiteProblem(
        horizon=horizon,
        devices=tuple(devices),
        prices=Prices(
            import_eur_per_kwh=series(draw, count, -0.1, 0.5),
            export_eur_per_kwh=series(draw, count, -0.05, 0.3),
            gas_eur_per_kwh=draw(numbers(0.05, 0.15)),
            fuel_eur_per_l=draw(numbers(0.5, 1.8)),
            peak_eur_per_kw=draw(st.sampled_from([0.0, 0.2])),
            peak_so_far_kw=draw(st.sampled_from([0.0, 3.0])),
        ),
        connection=GridConnection(import_limit_kw=draw(limit), export_limit_kw=draw(limit)),
        emissions=Emissions(import_kg_per_kwh=series(draw, count, 0.1, 0.6)),
        objective=Objective(co2_eur_per_kg=draw(st.sampled_from([0.0, 0.1]))),
    )
