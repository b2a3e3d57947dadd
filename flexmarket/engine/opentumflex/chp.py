"""Offers of combined heat and power units: switch off what runs, switch on what stands."""

import numpy as np

from flexmarket.engine.opentumflex.offers import Offers
from flexmarket.engine.opentumflex.switching import (
    SwitchingPlan,
    advanced_price,
    postponed_price,
    soc_change,
    switching_steps,
)
from flexmarket.engine.site_plan import SitePlan, of_kind
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Chp, Device
from optimization.engine.series import Series


def chp_offers(plan: SwitchingPlan, import_price: Series, steps_per_hour: int) -> Offers:
    """Return the offers of a CHP unit: negative where it runs, positive where it stands.

    Prices come from the later steps that catch the heat up; gas, heat and feed-in play no part.
    Source: sections b.5 and c of the OpenTUMFlex 1.0 description.
    """
    offers = Offers.none(len(plan.on))
    duration = switching_steps(plan)
    for step in np.flatnonzero(duration > 0).tolist():
        steps = int(duration[step])
        after = step + steps
        if plan.on[step] > 0:
            offers.negative_power[step] = plan.power_kw[step]
            offers.negative_price[step] = advanced_price(import_price, 1 - plan.on, after, steps)
        else:
            offers.positive_power[step] = plan.power_kw[step]
            offers.positive_price[step] = postponed_price(import_price, plan.on, after, steps)
    offers.positive_energy[:] = offers.positive_power * duration / steps_per_hour
    offers.negative_energy[:] = offers.negative_power * duration / steps_per_hour
    return offers


def quantify(plan: SitePlan, device: Device) -> FlexTable:
    """Return the table of a CHP unit; without a heat store it can move nothing and offers nothing."""
    unit = of_kind(device, Chp)
    scheduled = plan.series(unit, "power_kw")
    store = plan.heat_store
    if store is None:
        return Offers.none(plan.count).table(unit, scheduled)
    on = np.round(plan.series(unit, "on"))
    heat = np.where(on > 0, -plan.series(unit, "heat_kw"), unit.full_heat_kw)
    switching = SwitchingPlan(
        on=on,
        power_kw=np.where(on > 0, -scheduled, unit.electric_power_kw),
        soc_percent=store.soc_percent,
        soc_change_percent=soc_change(on, heat, store.capacity_kwh, plan.steps_per_hour),
        min_soc_percent=0.0,
        commitment=unit.commitment(plan.problem.horizon),
    )
    offers = chp_offers(switching, plan.problem.price("import_eur_per_kwh"), plan.steps_per_hour)
    return offers.table(unit, scheduled)
