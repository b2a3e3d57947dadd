"""The unit vectors of OpenTUMFlex: a plan and parameters in, its flexibility table out."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from flexmarket.engine.opentumflex.battery import BatteryPlan, battery_offers
from flexmarket.engine.opentumflex.chp import chp_offers
from flexmarket.engine.opentumflex.electric_vehicle import stay_offers, stay_rows
from flexmarket.engine.opentumflex.heat_pump import SupplyCurve, heat_pump_offers, store_temperature_c
from flexmarket.engine.opentumflex.offers import Offers
from flexmarket.engine.opentumflex.pv import pv_offers
from flexmarket.engine.opentumflex.switching import SwitchingPlan, soc_change
from flexmarket.engine.site_plan import HeatStore
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import HeatLoad
from optimization.engine.series import Series
from tests.flexmarket.engine.reference import DAY, FOLDER, car, device_data, differing_cells, needs_reference, vectors

pytestmark = needs_reference

STEPS_PER_HOUR = 4
KELVIN = 273.15
Plan = dict[str, Series]
Devices = dict[str, dict[str, Any]]
Outcome = tuple[Offers, Series, Series | None]


def pv(devices: Devices, plan: Plan, price: Plan) -> Outcome:
    offers = pv_offers(plan["PV_power"], plan["pv_pv2grid"], price["ele_price_out"], STEPS_PER_HOUR)
    return offers, -plan["PV_power"], None


def battery(devices: Devices, plan: Plan, price: Plan) -> Outcome:
    data = devices["bat"]
    battery_plan = BatteryPlan(
        charge_kw=plan["bat_input_power"],
        discharge_kw=plan["bat_output_power"],
        grid_charge_kw=plan["bat_grid2bat"],
        energy_kwh=plan["bat_SOC"] / 100 * data["stocap"],
        max_charge_kw=data["maxpow"],
        max_discharge_kw=data["maxpow"],
        capacity_kwh=data["stocap"],
        min_power_kw=data["minpow"],
    )
    offers = battery_offers(battery_plan, price["ele_price_in"], STEPS_PER_HOUR)
    return offers, plan["bat_input_power"] - plan["bat_output_power"], None


def electric_vehicle(devices: Devices, plan: Plan, price: Plan) -> Outcome:
    data = devices["ev"]
    scheduled, forecast = plan["EV_power"].copy(), price["ele_price_in"].copy()
    offers = Offers.none(DAY.count)
    for rows in stay_rows(car("ev", data), DAY):
        offers.place(rows, stay_offers(scheduled[rows], data["maxpow"], forecast[rows], STEPS_PER_HOUR))
        scheduled[rows], forecast[rows] = np.round(scheduled[rows], 3), np.round(forecast[rows], 3)
    return offers, scheduled, forecast


def heat_pump(devices: Devices, plan: Plan, price: Plan) -> Outcome:
    pump, on, soc = devices["hp"], plan["HP_operation"], plan["SOC_heat"]
    store = heat_store(devices, soc)
    supply_c = np.array(sorted(float(key) for key in pump["powmap"]["266.15"])) - KELVIN
    power, cop = (mean_over_ambient(pump[name]) for name in ("powmap", "COP"))
    curve = SupplyCurve(supply_c, power, cop)
    factor = curve.heat_factor(store_temperature_c(on, soc, store), pump["supply_temp"] - KELVIN)
    switching = SwitchingPlan(
        on=on,
        power_kw=plan["HP_ele_run"],
        soc_percent=soc,
        soc_change_percent=soc_change(on, plan["HP_heat_run"] * factor, store.capacity_kwh, STEPS_PER_HOUR),
        min_soc_percent=store.useful_soc_percent,
    )
    return heat_pump_offers(switching, price["ele_price_in"], STEPS_PER_HOUR), on * plan["HP_ele_run"], None


def chp(devices: Devices, plan: Plan, price: Plan) -> Outcome:
    on = plan["CHP_operation"]
    switching = SwitchingPlan(
        on=on,
        power_kw=plan["CHP_elec_run"],
        soc_percent=plan["SOC_heat"],
        soc_change_percent=soc_change(on, plan["CHP_heat_run"], devices["sto"]["stocap"], STEPS_PER_HOUR),
        min_soc_percent=0.0,
    )
    return chp_offers(switching, price["ele_price_in"], STEPS_PER_HOUR), -on * plan["CHP_elec_run"], None


def heat_store(devices: Devices, soc_percent: Series) -> HeatStore:
    data = devices["sto"]
    return HeatStore(data["stocap"], soc_percent, data["mintemp"], data["maxtemp"], devices["hp"]["minTemp"])


def mean_over_ambient(columns: dict[str, dict[str, float]]) -> Series:
    """Return the mean over the ambient columns, by rising supply temperature."""
    table = [[column[key] for key in sorted(column, key=float)] for column in columns.values()]
    return np.mean(table, axis=0)


def table_of(vector: dict[str, Any], compute: Callable[[Devices, Plan, Plan], Outcome]) -> FlexTable:
    inputs = vector["inputs"]
    plan = {name: np.array(values, dtype=float) for name, values in inputs["optplan"].items()}
    price = {name: np.array(values, dtype=float) for name, values in inputs["fcst"].items()}
    offers, scheduled, forecast = compute(device_data(inputs["devices"]), plan, price)
    return offers.table(HeatLoad(name=vector["id"], demand_kw=0.0), scheduled, forecast)


def fragile_values(vector_id: str) -> dict[tuple[str, int], float]:
    """Return the other value that each fragile cell of a vector may have."""
    cells = json.loads((FOLDER / "fragile.json").read_text()).get(f"{vector_id}.json", [])
    return {(cell["column"], cell["step"]): cell["equally_valid_in_exact_arithmetic"] for cell in cells}


@pytest.mark.parametrize(
    ("device", "compute", "count", "cells"),
    [
        ("pv", pv, 40, 40 * 96 * 7),
        ("bat", battery, 54, 54 * 96 * 7),
        ("ev", electric_vehicle, 80, 80 * 96 * 8),
        ("hp", heat_pump, 54, 54 * 96 * 7),
        ("chp", chp, 54, 54 * 96 * 7),
    ],
)
def test_every_vector_gives_its_table(
    device: str, compute: Callable[[Devices, Plan, Plan], Outcome], count: int, cells: int
) -> None:
    compared_vectors = compared_cells = 0
    for vector in vectors(device):
        other = fragile_values(vector["id"])
        for column, step, ours, theirs in differing_cells(table_of(vector, compute), vector["flex"]):
            where = f"{vector['id']} {column}[{step}]: {ours}, recorded {theirs}"
            assert ours == pytest.approx(other.get((column, step), theirs), abs=1e-6), where
        compared_vectors += 1
        compared_cells += sum(len(values) for values in vector["flex"].values())
    assert compared_vectors == count
    assert compared_cells == cells
