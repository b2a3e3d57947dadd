"""Offers as OpenTUMFlex 1.0 (TU Munich) defines them; a new device kind is one file and one line here."""

from collections.abc import Callable, Mapping

from flexmarket.engine.opentumflex import battery, chp, electric_vehicle, heat_pump, pv
from flexmarket.engine.site_plan import SitePlan
from flexmarket.engine.table import FlexTable
from optimization.engine import devices

QUANTIFIERS: Mapping[str, Callable[[SitePlan, devices.Device], FlexTable]] = {
    devices.Photovoltaic.kind: pv.quantify,
    devices.Wind.kind: pv.quantify,
    devices.Battery.kind: battery.quantify,
    devices.ElectricVehicle.kind: electric_vehicle.quantify,
    devices.HeatPump.kind: heat_pump.quantify,
    devices.Chp.kind: chp.quantify,
}
