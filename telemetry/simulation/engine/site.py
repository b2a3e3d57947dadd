"""A site whose devices share electricity and heat; a new kind is one file and one line in `KINDS`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from telemetry.simulation.engine.battery import Battery
from telemetry.simulation.engine.chp import Chp
from telemetry.simulation.engine.electric_vehicle import ElectricVehicle
from telemetry.simulation.engine.generator import Generator
from telemetry.simulation.engine.heat import Boiler, HeatStorage
from telemetry.simulation.engine.heat_pump import HeatPump
from telemetry.simulation.engine.loads import ElectricLoad, HeatLoad, ShiftableLoad
from telemetry.simulation.engine.pv import Photovoltaic
from telemetry.simulation.engine.surroundings import Device, Surroundings, Weather
from telemetry.simulation.engine.wind import Wind

KINDS: dict[str, type[Any]] = {
    "pv": Photovoltaic,
    "wind": Wind,
    "battery": Battery,
    "electric_vehicle": ElectricVehicle,
    "heat_pump": HeatPump,
    "chp": Chp,
    "boiler": Boiler,
    "heat_storage": HeatStorage,
    "generator": Generator,
    "electric_load": ElectricLoad,
    "heat_load": HeatLoad,
    "shiftable_load": ShiftableLoad,
}

Measured = dict[str, dict[str, float]]


def made(kind: str, row: Any, **own: Any) -> Device:
    """Return a device of a kind with the values that `row` has under the names of its fields; `own` go first."""
    names = [each.name for each in fields(KINDS[kind]) if each.init]
    values = {name: getattr(row, name) for name in names if name not in own and hasattr(row, name)}
    device: Device = KINDS[kind](**values, **{name: own[name] for name in names if name in own})
    return device


@dataclass
class SimulatedSite:
    """Devices by their name, in one place."""

    devices: Mapping[str, Device]
    weather: Weather
    zone: ZoneInfo
    random: Random

    def step(self, now: datetime, seconds: float, setpoints_kw: Mapping[str, float | None]) -> Measured:
        """Go on by some seconds to `now`; return what each device measures, and the site itself under ""."""
        self.weather.step(now, seconds)
        stores = [each for each in self.devices.values() if isinstance(each, HeatStorage)]
        around = Surroundings(now.astimezone(self.zone), self.weather, self.random)
        if stores:
            around.heat_soc = sum(each.energy_kwh for each in stores) / sum(each.capacity_kwh for each in stores)
        found: Measured = {}
        for name, device in sorted(self.devices.items(), key=lambda item: item[1].ORDER):
            values = device.step(around, seconds, setpoints_kw.get(name))
            around.residual_kw += values.get("power_kw", 0.0)
            around.heat_wanted_kw += values.get("heat_kw", 0.0)
            found[name] = values
        air = self.weather.ambient_temperature_c
        found[""] = {"grid_power_kw": around.residual_kw, "ambient_temperature_c": air}
        return found
