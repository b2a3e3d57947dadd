"""The registry of methods, and what holds for every site: shapes, signs, energies, step lengths."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexmarket.engine import opentumflex
from flexmarket.engine.errors import OfferError
from flexmarket.engine.exporters import EXPORTERS, export
from flexmarket.engine.methods import METHODS, by_device, quantify
from flexmarket.engine.table import FlexTable, aggregate
from optimization.engine.devices import (
    Battery,
    Boiler,
    Chp,
    Device,
    ElectricLoad,
    ElectricVehicle,
    HeatLoad,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    Stay,
    Wind,
)
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.engine.series import Series
from tests.flexmarket.engine.reference import BERLIN
from tests.flexmarket.engine.sites import START, horizon, planned

OFFERING = {"roof", "mill", "bat", "second bat", "car", "hp", "chp"}


def random_site(minutes: int, count: int, seed: int) -> tuple[SiteProblem, Schedule]:
    """Return a site of every kind with a plan of random powers; it need not be a good plan."""
    random = np.random.default_rng(seed)
    span = horizon(count, minutes)
    plans: dict[Device, dict[str, Series]] = {
        plant(name=name, capacity_kw=6, yield_kw_per_kw=random.random(count)): {"power_kw": -6 * random.random(count)}
        for plant, name in ((Photovoltaic, "roof"), (Wind, "mill"))
    }
    for name in ("bat", "second bat"):
        charge, discharge = 3 * random.random((2, count)) * (random.random(count) < [[0.4], [0.6]])
        discharge[charge > 0] = 0.0
        battery = Battery(name=name, capacity_kwh=8, charge_power_kw=3, discharge_power_kw=3)
        plans[battery] = {
            "power_kw": charge - discharge,
            "charge_kw": charge,
            "discharge_kw": discharge,
            "soc_percent": 100 * random.random(count),
        }
    plans |= {car(count, minutes): dict.fromkeys(("power_kw", "charge_kw"), car_power(random, count))}
    on = random.integers(0, 2, (2, count)).astype(float)
    pump = HeatPump(name="hp", rated_power_kw=4, ambient_temperature_c=random.uniform(-15, 25, count))
    plans[pump] = {"power_kw": on[0] * pump.full_power_kw, "heat_kw": -on[0] * pump.full_heat_kw, "on": on[0]}
    unit = Chp(name="chp", electric_power_kw=2)
    plans[unit] = {"power_kw": -2 * on[1], "heat_kw": -on[1] * unit.full_heat_kw, "on": on[1]}
    plans[HeatStorage(name="tank", capacity_kwh=15)] = {"soc_percent": 100 * random.random(count)}
    plans[Boiler(name="boiler", heat_power_kw=5)] = {"heat_kw": np.zeros(count)}
    plans[HeatLoad(name="heat", demand_kw=3.0)] = {"heat_kw": np.full(count, 3.0)}
    plans[ElectricLoad(name="load", demand_kw=1.0)] = {"power_kw": np.ones(count)}
    price = random.uniform(-0.05, 0.4, count)
    return planned(span, plans, grid_kw=random.uniform(-9, 9, count), import_price=price, export_price=0.08)


def car_power(random: np.random.Generator, count: int) -> Series:
    """Return powers of a car: round ones, tiny ones, any."""
    return np.choose(
        random.integers(0, 5, count),
        [
            np.zeros(count),
            np.full(count, 11.0),
            np.full(count, 0.0014),
            0.01 * random.random(count),
            11 * random.random(count),
        ],
    )


def car(count: int, minutes: int) -> ElectricVehicle:
    step = timedelta(minutes=minutes)
    stay = Stay(arrival=START + step * (count // 4), departure=START + step * (count // 2 + 1), arrival_soc_percent=20)
    return ElectricVehicle(name="car", capacity_kwh=40, charge_power_kw=11, stays=(stay,))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([5, 15, 30, 60]), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_offers_of_any_site_have_the_right_shape_sign_and_energy(minutes: int, count: int, seed: int) -> None:
    problem, schedule = random_site(minutes, count, seed)
    tables = quantify(problem, schedule)
    assert set(tables) == OFFERING
    for name, table in tables.items():
        assert len(table) == count
        assert table.scheduled_power_kw == pytest.approx(schedule.devices[name]["power_kw"], abs=0.0006)
        for direction in ("positive", "negative"):
            check_direction(table, direction, minutes)
    check_limits(tables)
    total = aggregate(tables.values())
    assert total.positive_energy_kwh == pytest.approx(sum(table.positive_energy_kwh for table in tables.values()))
    for market in EXPORTERS:
        assert len(export(market, tables, problem.horizon, BERLIN)) == len(tables)


def check_direction(table: FlexTable, direction: str, minutes: int) -> None:
    power = getattr(table, f"{direction}_power_kw")
    energy = getattr(table, f"{direction}_energy_kwh")
    price = getattr(table, f"{direction}_price_eur_per_kwh")
    # A car's powers and energies are rounded to 3 decimals.
    noise = 0.002 if table.kind == "electric_vehicle" else 1e-9
    steps = np.divide(energy, power, out=np.zeros(len(power)), where=power > 0) * 60 / minutes
    left = len(table) - np.arange(len(table))
    assert (energy[power == 0] == 0).all()
    assert (price[power == 0] == 0).all()
    assert (steps <= left + 60 / minutes * noise / np.maximum(power, 0.1)).all()
    if table.kind not in ("battery", "electric_vehicle"):
        assert steps == pytest.approx(np.round(steps), abs=1e-6)


def check_limits(tables: dict[str, FlexTable]) -> None:
    roof = tables["roof"]
    assert not roof.positive_power_kw.any()
    assert (roof.negative_power_kw <= -roof.scheduled_power_kw).all()
    for name in ("hp", "chp"):
        assert not ((tables[name].positive_power_kw > 0) & (tables[name].negative_power_kw > 0)).any()
    battery = tables["bat"]
    assert (battery.scheduled_power_kw + battery.negative_power_kw <= 3 + 1e-9).all()


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_the_step_length_changes_rows_but_not_offers(minutes: int) -> None:
    hours = 8
    rows_per_hour = 60 // minutes
    battery = Battery(name="bat", capacity_kwh=10, charge_power_kw=2, discharge_power_kw=2)
    plant = Photovoltaic(name="roof", capacity_kw=4, yield_kw_per_kw=1.0)
    power = np.array([0, 0, 1, 2, 2, 1, 0, 0], dtype=float)
    price = np.array([0.3, 0.3, 0.2, 0.1, 0.1, 0.2, 0.3, 0.4])

    def tables(rows: int) -> dict[str, FlexTable]:
        charge = np.repeat(power, rows)
        soc = 20 + np.cumsum(charge) / rows * 10
        plans = {
            battery: {"power_kw": charge, "charge_kw": charge, "discharge_kw": 0.0, "soc_percent": soc},
            plant: {"power_kw": -2 * charge},
        }
        span = horizon(hours * rows, 60 // rows)
        return quantify(*planned(span, plans, grid_kw=-charge, import_price=np.repeat(price, rows)))

    hourly, finer = tables(1), tables(rows_per_hour)
    for name in hourly:
        for field in ("negative_power_kw", "negative_energy_kwh", "negative_price_eur_per_kwh"):
            coarse = getattr(hourly[name], field)
            fine = getattr(finer[name], field)[::rows_per_hour]
            assert fine[:2] == pytest.approx(coarse[:2], abs=1e-9)


def test_solver_noise_does_not_cut_a_run() -> None:
    plant = Photovoltaic(name="roof", capacity_kw=4, yield_kw_per_kw=1.0)
    site = planned(horizon(4), {plant: {"power_kw": [-3.0, -3.0 + 1e-12, -3.0, -2.0]}})
    assert quantify(*site)["roof"].negative_energy_kwh.tolist() == [9.0, 6.0, 3.0, 2.0]
    assert quantify(*site, decimals=None)["roof"].negative_energy_kwh[0] == 3.0


def test_unknown_methods_and_foreign_schedules_are_refused() -> None:
    problem, schedule = random_site(15, 4, 1)
    other, _ = random_site(15, 5, 1)
    with pytest.raises(OfferError, match="method is magic; allowed: exact, opentumflex"):
        quantify(problem, schedule, "magic")
    with pytest.raises(OfferError, match=r"schedule\.horizon"):
        quantify(other, schedule)


def test_another_method_is_one_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "pv only", by_device({"pv": opentumflex.QUANTIFIERS["pv"]}))
    assert list(quantify(*random_site(15, 4, 1), method="pv only")) == ["roof"]
