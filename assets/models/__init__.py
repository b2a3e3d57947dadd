"""The tables of sites and their devices; a new device kind is one new file and one line here."""

from assets.models.asset import Asset
from assets.models.battery import Battery
from assets.models.boiler import Boiler
from assets.models.checked import Checked
from assets.models.chp import Chp
from assets.models.electric_vehicle import ElectricVehicle, EvStay
from assets.models.generator import Generator
from assets.models.heat_pump import HeatPump
from assets.models.heat_storage import HeatStorage
from assets.models.history import history_of, track
from assets.models.load import ElectricLoad, HeatLoad
from assets.models.prices import PriceSeries, PriceValues
from assets.models.renewable import Photovoltaic, Wind
from assets.models.shiftable_load import ShiftableLoad
from assets.models.site import Portfolio, Site
from assets.models.tariff import SiteTariff, Tariff, TariffPeriod

KINDS: dict[str, type[Asset]] = {
    model.KIND: model
    for model in (
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

TRACKED: tuple[type[Checked], ...] = (
    Portfolio,
    Site,
    *KINDS.values(),
    EvStay,
    Tariff,
    TariffPeriod,
    SiteTariff,
    PriceSeries,
)
for tracked in TRACKED:
    track(tracked)

__all__ = [
    "KINDS",
    "TRACKED",
    "Asset",
    "Battery",
    "Boiler",
    "Checked",
    "Chp",
    "ElectricLoad",
    "ElectricVehicle",
    "EvStay",
    "Generator",
    "HeatLoad",
    "HeatPump",
    "HeatStorage",
    "Photovoltaic",
    "Portfolio",
    "PriceSeries",
    "PriceValues",
    "ShiftableLoad",
    "Site",
    "SiteTariff",
    "Tariff",
    "TariffPeriod",
    "Wind",
    "history_of",
]
