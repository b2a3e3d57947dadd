"""The recorded OpenTUMFlex runs beside the repository: plans, flexibility tables, offer files, unit vectors."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from flexmarket.engine.exporters.generation_columns import generation_columns
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import (
    Battery,
    Device,
    ElectricLoad,
    ElectricVehicle,
    HeatLoad,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    Stay,
)
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Prices, SiteProblem
from optimization.engine.schedule import Cost, Schedule

FOLDER = Path(__file__).parents[3].parent / "shared" / "opentumflex"
BERLIN = ZoneInfo("Europe/Berlin")
DAY = Horizon(datetime(2019, 12, 18, tzinfo=BERLIN), timedelta(minutes=15), 96)
TOLERANCE = 1e-6

needs_reference = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded OpenTUMFlex data (../shared/opentumflex) is not there"
)


def runs() -> list[Path]:
    """Return the folders of the recorded runs that have a plan."""
    return sorted(path.parent for path in FOLDER.glob("*/*/optplan.csv"))


def vectors(device: str) -> Iterator[dict[str, Any]]:
    """Yield the unit vectors of a device: id, inputs (devices, fcst, optplan), flex."""
    with (FOLDER / f"flex_{device}.jsonl").open() as lines:
        yield from map(json.loads, lines)


def device_data(changes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the base devices with a vector's changes."""
    base = json.loads((FOLDER / "base_devices.json").read_text())
    return {name: data | changes.get(name, {}) for name, data in base.items()}


def local(text: str) -> datetime:
    """Return the moment that a time slot of the reference names."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def car(name: str, data: dict[str, Any]) -> ElectricVehicle:
    """Return the recorded car with its stays."""
    stays = [
        Stay(arrival=local(arrival), departure=local(departure), arrival_soc_percent=0)
        for arrival, departure in zip(data["aval_init"], data["aval_end"], strict=True)
    ]
    return ElectricVehicle(name=name, capacity_kwh=data["stocap"], charge_power_kw=data["maxpow"], stays=tuple(stays))


def recorded_site(folder: Path) -> tuple[SiteProblem, Schedule]:
    """Return a recorded run as a problem and its schedule; devices carry the reference's short names."""
    data = json.loads((folder / "devices.json").read_text())
    plan = pd.read_csv(folder / "optplan.csv")
    series = pd.read_csv(folder / "input_timeseries.csv")
    devices = _electric_devices(data, series) | {
        "load": ElectricLoad(name="load", demand_kw=plan["Last_elec"].to_numpy()),
        "heat": HeatLoad(name="heat", demand_kw=plan["Last_heat"].to_numpy()),
        "sto": HeatStorage(name="sto", capacity_kwh=data["sto"]["stocap"]),
    }
    prices = Prices(
        import_eur_per_kwh=series["ele_price_in"].to_numpy(), export_eur_per_kwh=series["ele_price_out"].to_numpy()
    )
    problem = SiteProblem(horizon=DAY, devices=tuple(devices.values()), prices=prices)
    return problem, _schedule(plan, devices)


def _electric_devices(data: dict[str, dict[str, Any]], series: pd.DataFrame) -> dict[str, Device]:
    devices: dict[str, Device] = {}
    if data["hp"]["maxpow"]:
        devices["hp"] = HeatPump(
            name="hp", rated_power_kw=data["hp"]["maxpow"], ambient_temperature_c=series["temperature"].to_numpy()
        )
    if data["ev"]["maxpow"]:
        devices["ev"] = car("ev", data["ev"])
    if power := data["bat"]["maxpow"]:
        devices["bat"] = Battery(
            name="bat", capacity_kwh=data["bat"]["stocap"], charge_power_kw=power, discharge_power_kw=power
        )
    if data["pv"]["maxpow"]:
        yield_kw = series["solar_power"].to_numpy()
        devices["pv"] = Photovoltaic(name="pv", capacity_kw=data["pv"]["maxpow"], yield_kw_per_kw=yield_kw)
    return devices


def _schedule(plan: pd.DataFrame, devices: dict[str, Device]) -> Schedule:
    column = {name: plan[name].to_numpy(dtype=float) for name in plan.columns if name != "time"}
    series = {
        "hp": {"power_kw": column["HP_elec_power"], "heat_kw": -column["HP_heat_power"], "on": column["HP_operation"]},
        "ev": {"power_kw": column["EV_power"], "charge_kw": column["EV_power"]},
        "bat": {
            "power_kw": column["bat_input_power"] - column["bat_output_power"],
            "charge_kw": column["bat_input_power"],
            "discharge_kw": column["bat_output_power"],
            "soc_percent": column["bat_SOC"],
        },
        "pv": {"power_kw": -column["PV_power"]},
        "load": {"power_kw": column["Last_elec"]},
        "heat": {"heat_kw": column["Last_heat"]},
        "sto": {"soc_percent": column["SOC_heat"]},
    }
    return Schedule(
        horizon=DAY,
        grid_power_kw=column["grid_import"] - column["grid_export"],
        heat_surplus_kw=np.zeros(len(plan)),
        devices={name: series[name] for name in devices},
        cost=Cost(),
        objective_eur=0.0,
        solver="recorded",
        status="optimal",
        bound_eur=0.0,
        gap=0.0,
    )


def differing_cells(table: FlexTable, expected: dict[str, Any]) -> list[tuple[str, int, float, float]]:
    """Return (column, step, ours, theirs) of every cell further apart than the tolerance."""
    ours = generation_columns(table)
    cells = []
    for name, values in expected.items():
        theirs = np.array(values, dtype=float)
        assert theirs.shape == ours[name].shape
        apart = np.flatnonzero(~(np.abs(ours[name] - theirs) <= TOLERANCE))
        cells += [(name, int(step), float(ours[name][step]), float(theirs[step])) for step in apart]
    return cells
