"""Offers of stationary batteries: charge more or less, feed out, stop charging from the grid."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flexmarket.engine.opentumflex.offers import Offers, Steps, steps_held
from flexmarket.engine.site_plan import SitePlan, of_kind, share
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Battery, Device
from optimization.engine.series import Series

Flags = npt.NDArray[np.bool_]
RESERVE_KWH = 0.5
NOISE_KWH = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class BatteryPlan:
    """A battery's plan: powers in kW (0 or more) and content in kWh at the end of each step, one value per step.

    `grid_charge_kw` is the part of `charge_kw` that the grid supplies.
    """

    charge_kw: Series
    discharge_kw: Series
    grid_charge_kw: Series
    energy_kwh: Series
    max_charge_kw: float
    max_discharge_kw: float
    capacity_kwh: float
    min_power_kw: float = 0.0


def battery_offers(plan: BatteryPlan, import_price: Series, steps_per_hour: int) -> Offers:
    """Return the offers of a battery.

    Efficiencies are left out; the limits are the full capacity above and 0.5 kWh below.
    Source: sections b.2 and c of the OpenTUMFlex 1.0 description.
    """
    offers = Offers.none(len(plan.charge_kw))
    _offer_extra_charge(plan, import_price, steps_per_hour, offers)
    _offer_feed_out(plan, steps_per_hour, offers)
    _offer_stopped_charge(plan, steps_per_hour, offers)
    offers.positive_price[:] = np.where(offers.positive_power > 0, _mean_from(import_price), 0.0)
    return offers


def _offer_extra_charge(plan: BatteryPlan, price: Series, steps_per_hour: int, offers: Offers) -> None:
    """Offer to charge more (or discharge less): what fits and is taken from later charging."""
    power = plan.max_charge_kw - plan.charge_kw + plan.discharge_kw
    free = plan.capacity_kwh - plan.energy_kwh
    may = (free > 0) & (power > 0) & (power >= plan.min_power_kw)
    durations = np.minimum(_most_steps(free, power, may, steps_per_hour), steps_held(power))
    later = _sum_from(plan.charge_kw) / steps_per_hour
    dearest = np.argsort(-price, kind="stable")
    for step in np.flatnonzero(may & (durations > 0)).tolist():
        energy = float(power[step]) / steps_per_hour
        planned = int(durations[step])
        duration = min(planned, math.floor((float(later[step + planned]) + NOISE_KWH) / energy))
        if duration:
            after = dearest[dearest >= step + duration]
            replaced = _replaced_purchases(plan.charge_kw[after] / steps_per_hour, price[after], energy * duration)
            offers.negative_power[step] = power[step]
            offers.negative_energy[step] = energy * duration
            offers.negative_price[step] = -replaced


def _offer_feed_out(plan: BatteryPlan, steps_per_hour: int, offers: Offers) -> None:
    """Offer to discharge: what is stored, and what can be charged again later."""
    power = plan.max_discharge_kw - plan.discharge_kw
    asked = power + (plan.charge_kw - plan.grid_charge_kw)
    stored = plan.energy_kwh - RESERVE_KWH
    # With a charge of its own a step asks for more than it has room for, and offers nothing.
    may = (stored > 0) & (asked > 0) & (power >= plan.min_power_kw) & (asked <= power)
    durations = np.minimum(_most_steps(stored, asked, may, steps_per_hour), steps_held(power))
    can = _sum_from(plan.max_charge_kw - plan.charge_kw) / steps_per_hour
    for step in np.flatnonzero(may & (durations > 0)).tolist():
        energy, duration = float(power[step]) / steps_per_hour, int(durations[step])
        while duration and can[step + duration] < energy * duration - NOISE_KWH:
            duration -= 1
        if duration:
            offers.positive_power[step] = power[step]
            offers.positive_energy[step] = energy * duration


def _offer_stopped_charge(plan: BatteryPlan, steps_per_hour: int, offers: Offers) -> None:
    """Offer to stop charging from the grid, on top of what is fed out."""
    stopped = np.where(plan.grid_charge_kw > plan.min_power_kw, plan.grid_charge_kw, 0.0)
    offers.positive_power[:] += stopped
    offers.positive_energy[:] += stopped * steps_held(plan.grid_charge_kw) / steps_per_hour


def _most_steps(energy_kwh: Series, power_kw: Series, where: Flags, steps_per_hour: int) -> Steps:
    """Return how many steps an energy lasts at a power (rounded half to even), within the horizon's last step."""
    last = len(power_kw) - 1
    steps = np.divide(steps_per_hour * energy_kwh, power_kw, out=np.zeros(last + 1), where=where)
    return np.minimum(np.rint(np.minimum(steps, last)), last - np.arange(last + 1)).astype(np.intp)


def _sum_from(values: Series) -> Series:
    """Return for each step the sum from it to the end, and 0 for the end."""
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)


def _mean_from(values: Series) -> Series:
    """Return for each step the mean from it to the end."""
    return np.asarray(np.cumsum(values[::-1])[::-1] / np.arange(len(values), 0, -1))


def _replaced_purchases(energy_kwh: Series, price: Series, needed_kwh: float) -> float:
    """Return the mean price of the purchases, dearest first, that `needed_kwh` replaces."""
    before = np.cumsum(energy_kwh) - energy_kwh
    used = np.minimum(np.maximum(needed_kwh - before, 0.0), energy_kwh)
    return float(used @ price) / needed_kwh


def battery_plan(plan: SitePlan, battery: Battery) -> BatteryPlan:
    """Return the plan of one battery; batteries share the grid's part of the charging by their charging power."""
    charge = plan.series(battery, "charge_kw")
    return BatteryPlan(
        charge_kw=charge,
        discharge_kw=plan.series(battery, "discharge_kw"),
        grid_charge_kw=plan.grid_to_battery_kw * share(charge, plan.battery_charge_kw),
        energy_kwh=plan.series(battery, "soc_percent") / 100 * battery.capacity_kwh,
        max_charge_kw=battery.charge_power_kw,
        max_discharge_kw=battery.discharge_power_kw,
        capacity_kwh=battery.capacity_kwh,
    )


def quantify(plan: SitePlan, device: Device) -> FlexTable:
    """Return the table of a battery."""
    battery = of_kind(device, Battery)
    import_price = plan.problem.price("import_eur_per_kwh")
    offers = battery_offers(battery_plan(plan, battery), import_price, plan.steps_per_hour)
    return offers.table(battery, plan.series(battery, "power_kw"))
