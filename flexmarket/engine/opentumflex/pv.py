"""Offers of photovoltaic and wind plants: curtail what is produced."""

import numpy as np

from flexmarket.engine.opentumflex.offers import Offers, steps_held
from flexmarket.engine.site_plan import SitePlan, of_kind, share
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Device
from optimization.engine.devices.renewable import Renewable
from optimization.engine.series import Series

LEAST_POWER_KW = 0.1


def pv_offers(power_kw: Series, to_grid_kw: Series, export_price: Series, steps_per_hour: int) -> Offers:
    """Return the offers of a plant that produces `power_kw` and feeds `to_grid_kw` of it into the grid.

    Above 0.1 kW the whole production can be switched off for as long as it stays at least as high. The price makes up
    for the feed-in that is lost in the first step, spread over all that is switched off.
    Source: sections b.1 and c of the OpenTUMFlex 1.0 description.
    """
    offered = power_kw > LEAST_POWER_KW
    power = np.where(offered, power_kw, 0.0)
    offers = Offers.none(len(power_kw))
    offers.negative_power[:] = power
    offers.negative_energy[:] = power * steps_held(power_kw) / steps_per_hour
    np.divide(to_grid_kw * export_price, power_kw, out=offers.negative_price, where=offered)
    return offers


def quantify(plan: SitePlan, device: Device) -> FlexTable:
    """Return the table of a photovoltaic or wind plant; plants share the feed-in by their production.

    A plant that must not be curtailed offers nothing.
    """
    plant = of_kind(device, Renewable)
    scheduled = plan.series(plant, "power_kw")
    if not plant.curtailable:
        return Offers.none(plan.count).table(plant, scheduled)
    to_grid = plan.renewable_to_grid_kw * share(-scheduled, plan.renewable_kw)
    offers = pv_offers(-scheduled, to_grid, plan.problem.price("export_eur_per_kwh"), plan.steps_per_hour)
    return offers.table(plant, scheduled)
