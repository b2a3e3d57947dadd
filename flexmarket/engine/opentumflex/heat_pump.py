"""Offers of heat pumps: switch off what runs, switch on what stands."""

from dataclasses import dataclass

import numpy as np

from flexmarket.engine.opentumflex.offers import Offers
from flexmarket.engine.opentumflex.switching import (
    SwitchingPlan,
    advanced_price,
    postponed_price,
    soc_change,
    switching_steps,
)
from flexmarket.engine.site_plan import HeatStore, SitePlan, of_kind
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Device, HeatPump
from optimization.engine.series import Series

CUBIC = 3


def heat_pump_offers(plan: SwitchingPlan, import_price: Series, steps_per_hour: int) -> Offers:
    """Return the offers of a heat pump: positive where it runs, negative where it stands.

    Each is held at the power of its first step. Prices come from the later steps that catch the heat up.
    Source: sections b.4 and c of the OpenTUMFlex 1.0 description.
    """
    offers = Offers.none(len(plan.on))
    duration = switching_steps(plan)
    for step in np.flatnonzero(duration > 0).tolist():
        steps = int(duration[step])
        after = step + steps
        if plan.on[step] > 0:
            offers.positive_power[step] = plan.power_kw[step]
            offers.positive_price[step] = postponed_price(import_price, 1 - plan.on, after, steps)
        else:
            offers.negative_power[step] = plan.power_kw[step]
            offers.negative_price[step] = advanced_price(import_price, plan.on, after, steps)
    offers.positive_energy[:] = offers.positive_power * duration / steps_per_hour
    offers.negative_energy[:] = offers.negative_power * duration / steps_per_hour
    return offers


@dataclass(frozen=True, eq=False)
class SupplyCurve:
    """How a heat pump depends on its supply temperature: power and COP, each the mean over the ambient temperatures.

    One value per supply temperature in °C; only the shape of the powers counts.
    """

    supply_c: Series
    power: Series
    cop: Series

    def heat_factor(self, temperature_c: Series, supply_temperature_c: float) -> Series:
        """Return heat at `temperature_c` over heat at `supply_temperature_c`, by least-squares cubics."""
        row = int(np.searchsorted(self.supply_c, supply_temperature_c))
        power = _cubic(self.supply_c, self.power, temperature_c)
        cop = _cubic(self.supply_c, self.cop, temperature_c)
        return np.asarray(power * cop / (self.power[row] * self.cop[row]), dtype=np.float64)


def store_temperature_c(on: Series, soc_percent: Series, store: HeatStore) -> Series:
    """Return the temperature halfway between the planned content and the one that switching leads to, °C."""
    mean_soc = ((1 - on) * 100 + soc_percent) / 2
    return (store.full_temperature_c - store.empty_temperature_c) * mean_soc / 100 + store.empty_temperature_c


def _cubic(x: Series, y: Series, at: Series) -> Series:
    centre = float(np.mean(x))
    coefficients = np.polyfit(x - centre, y, min(CUBIC, len(x) - 1))
    return np.asarray(np.polyval(coefficients, at - centre), dtype=np.float64)


def quantify(plan: SitePlan, device: Device) -> FlexTable:
    """Return the table of a heat pump; without a heat store it can move nothing and offers nothing."""
    pump = of_kind(device, HeatPump)
    scheduled = plan.series(pump, "power_kw")
    store = plan.heat_store
    if store is None:
        return Offers.none(plan.count).table(pump, scheduled)
    on = np.round(plan.series(pump, "on"))
    heat = np.where(on > 0, -plan.series(pump, "heat_kw"), pump.full_heat_kw)
    supply_c, power, cop = pump.performance_map.at_supply(pump.supply_temperature_c)
    curve = SupplyCurve(supply_c, power.mean(axis=1), cop.mean(axis=1))
    heat = heat * curve.heat_factor(store_temperature_c(on, store.soc_percent, store), pump.supply_temperature_c)
    switching = SwitchingPlan(
        on=on,
        power_kw=np.where(on > 0, scheduled, pump.full_power_kw),
        soc_percent=store.soc_percent,
        soc_change_percent=soc_change(on, heat, store.capacity_kwh, plan.steps_per_hour),
        min_soc_percent=store.useful_soc_percent,
        commitment=pump.commitment(plan.problem.horizon),
    )
    offers = heat_pump_offers(switching, plan.problem.price("import_eur_per_kwh"), plan.steps_per_hour)
    return offers.table(pump, scheduled)
