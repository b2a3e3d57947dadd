"""Sites of the reference data (OpenTUMFlex 1.0, as its description gives them) as problems of this engine."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from optimization.engine import Horizon, Prices, SiteProblem
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
)
from optimization.engine.horizon import QUARTER_HOUR

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "opentumflex"
WHY_SKIPPED = "the reference data ../shared/opentumflex is not here"
ZONE = ZoneInfo("Europe/Berlin")


def reference_cases() -> list[Path]:
    """Return the folders of all recorded sites, empty where the data is absent."""
    return sorted(path.parent for path in REFERENCE.glob("*/*/objective.json"))


def reference_problem(folder: Path) -> SiteProblem:
    """Return the recorded site as a problem: SoC bands 10-90 %, final contents of 50 %, one export price."""
    given = json.loads((folder / "devices.json").read_text())
    series = pd.read_csv(folder / "input_timeseries.csv")
    horizon = Horizon(_moment(series["time"][0]), QUARTER_HOUR, len(series))
    return SiteProblem(
        name=folder.name,
        horizon=horizon,
        devices=(
            ElectricLoad(name="load", demand_kw=series["load_elec"].to_numpy()),
            HeatLoad(name="heat", demand_kw=series["load_heat"].to_numpy()),
            *_plants(given, series),
            *_stores(given),
        ),
        prices=Prices(
            import_eur_per_kwh=series["ele_price_in"].to_numpy(),
            export_eur_per_kwh=series["ele_price_out"].to_numpy(),
            gas_eur_per_kwh=series["gas_price"].to_numpy(),
        ),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def _plants(given: dict, series: pd.DataFrame) -> list[Device]:
    devices: list[Device] = []
    if given["pv"]["maxpow"]:
        yields = series["solar_power"].to_numpy()
        devices.append(Photovoltaic(name="pv", capacity_kw=given["pv"]["maxpow"], yield_kw_per_kw=yields))
    if given["hp"]["maxpow"]:
        pump = HeatPump(
            name="hp",
            rated_power_kw=given["hp"]["maxpow"],
            supply_temperature_c=given["hp"]["supply_temp"] - 273.15,
            ambient_temperature_c=series["temperature"].to_numpy(),
        )
        devices.append(pump)
    if given["chp"]["maxpow"]:
        devices.append(Chp(name="chp", electric_power_kw=given["chp"]["maxpow"]))
    if given["boiler"]["maxpow"]:
        boiler = Boiler(name="boiler", heat_power_kw=given["boiler"]["maxpow"], efficiency=given["boiler"]["eta"])
        devices.append(boiler)
    return devices


def _stores(given: dict) -> list[Device]:
    devices: list[Device] = []
    battery, store, car = given["bat"], given["sto"], given["ev"]
    if battery["stocap"]:
        power = min(battery["maxpow"], battery["stocap"])
        devices.append(
            Battery(
                name="bat",
                capacity_kwh=battery["stocap"],
                charge_power_kw=power,
                discharge_power_kw=power,
                charge_efficiency=battery["eta"],
                discharge_efficiency=battery["eta"],
                initial_soc_percent=battery["initSOC"],
            )
        )
    if store["stocap"]:
        devices.append(
            HeatStorage(
                name="sto",
                capacity_kwh=store["stocap"],
                charge_power_kw=store["stocap"],
                discharge_power_kw=store["stocap"],
                initial_soc_percent=store["initSOC"],
            )
        )
    if car["stocap"]:
        stays = zip(car["aval_init"], car["aval_end"], car["initSOC"], car["endSOC"], strict=True)
        devices.append(
            ElectricVehicle(
                name="ev",
                capacity_kwh=car["stocap"],
                charge_power_kw=car["maxpow"],
                charge_efficiency=car["eta"],
                stays=tuple(
                    Stay(
                        arrival=_moment(arrival),
                        departure=_moment(departure),
                        arrival_soc_percent=at_arrival,
                        departure_soc_percent=at_departure,
                    )
                    for arrival, departure, at_arrival, at_departure in stays
                ),
            )
        )
    return devices
