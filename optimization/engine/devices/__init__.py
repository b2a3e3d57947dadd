"""The device kinds; a new kind is one new file and one line here."""

from optimization.engine.devices.base import Device
from optimization.engine.devices.battery import Battery
from optimization.engine.devices.boiler import Boiler
from optimization.engine.devices.chp import Chp
from optimization.engine.devices.electric_vehicle import ElectricVehicle
from optimization.engine.devices.generator import Generator
from optimization.engine.devices.heat_pump import HeatPump
from optimization.engine.devices.heat_storage import HeatStorage
from optimization.engine.devices.load import ElectricLoad, HeatLoad
from optimization.engine.devices.renewable import Photovoltaic, Wind
from optimization.engine.devices.shiftable_load import Shift, ShiftableLoad
from optimization.engine.devices.vehicle_stays import Stay

KINDS: dict[str, type[Device]] = {
    kind.kind: kind
    for kind in (
        Photovoltaic,
        Wind,
        Battery,
        ElectricVehicle,
        HeatPump,
        Chp,
        Boiler,
        HeatStorage,
        Generator,
        ElectricLoad,
        HeatLoad,
        ShiftableLoad,
    )
}

__all__ = [
    "KINDS",
    "Battery",
    "Boiler",
    "Chp",
    "Device",
    "ElectricLoad",
    "ElectricVehicle",
    "Generator",
    "HeatLoad",
    "HeatPump",
    "HeatStorage",
    "Photovoltaic",
    "Shift",
    "ShiftableLoad",
    "Stay",
    "Wind",
]
