"""Offers of stationary batteries: charge more or less, feed out, stop charging from the grid."""

from dataclasses import dataclass

import numpy as np

from flexmarket.engine.opentumflex.offers import Offers, rounded_steps, steps_from, steps_held
from flexmarket.engine.site_plan import SitePlan, of_kind, share
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Battery, Device
from optimization.engine.series import Series

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
    count = len(plan.charge_kw)
    offers = Offers.none(count)
    stop_steps = steps_held(plan.grid_charge_kw)
    for step in range(count):
        power, duration = _extra_charge(plan, step, steps_per_hour)
        if duration:
            energy = power * duration / steps_per_hour
            offers.negative_power[step] = power
            offers.negative_energy[step] = energy
            offers.negative_price[step] = -_replaced_purchases(
                plan.charge_kw[step + duration :] / steps_per_hour, import_price[step + duration :], energy
            )
        power, duration = _feed_out(plan, step, steps_per_hour)
        if duration:
            offers.positive_power[step] = power
            offers.positive_energy[step] = power * duration / steps_per_hour
        grid_charge = plan.grid_charge_kw[step]
        if grid_charge > plan.min_power_kw:
            offers.positive_power[step] += grid_charge
            offers.positive_energy[step] += grid_charge * stop_steps[step] / steps_per_hour
        if offers.positive_power[step] > 0:
            offers.positive_price[step] = import_price[step:].mean()
    return offers


def _extra_charge(plan: BatteryPlan, step: int, steps_per_hour: int) -> tuple[float, int]:
    """Return power and steps of charging more (or discharging less): what fits and is taken from later charging."""
    room = plan.max_charge_kw - plan.charge_kw + plan.discharge_kw
    power = float(room[step])
    free = plan.capacity_kwh - float(plan.energy_kwh[step])
    if free <= 0 or power <= 0 or power < plan.min_power_kw:
        return 0.0, 0
    last = len(room) - 1
    most = min(rounded_steps(steps_per_hour * free / power, last), last - step)
    duration = steps_from(room, step, power, most)
    later = float(plan.charge_kw[step + duration :].sum()) / steps_per_hour
    need = power * duration / steps_per_hour
    while later < need - NOISE_KWH and duration > 0:
        need -= power / steps_per_hour
        duration -= 1
    return power, duration


def _feed_out(plan: BatteryPlan, step: int, steps_per_hour: int) -> tuple[float, int]:
    """Return power and steps of discharging: what is stored, and what can be charged again later."""
    free_power = plan.max_discharge_kw - plan.discharge_kw
    own_charge = float(plan.charge_kw[step] - plan.grid_charge_kw[step])
    asked = float(free_power[step]) + own_charge
    power = float(free_power[step])
    stored = float(plan.energy_kwh[step]) - RESERVE_KWH
    if stored <= 0 or asked <= 0 or power < plan.min_power_kw:
        return 0.0, 0
    last = len(free_power) - 1
    most = min(rounded_steps(steps_per_hour * stored / asked, last), last - step)
    duration = steps_from(free_power, step, asked, most)
    charge_room = (plan.max_charge_kw - plan.charge_kw) / steps_per_hour
    can = float(charge_room[step + duration :].sum())
    energy = power * duration / steps_per_hour
    while can < energy - NOISE_KWH and duration > 0:
        energy -= power / steps_per_hour
        duration -= 1
        can += float(charge_room[step + duration])
    return power, duration


def _replaced_purchases(energy_kwh: Series, price: Series, needed_kwh: float) -> float:
    """Return the mean price of the dearest later purchases that `needed_kwh` replaces."""
    dearest = np.argsort(-price, kind="stable")
    used = np.minimum(np.cumsum(energy_kwh[dearest]), needed_kwh)
    return float(np.diff(used, prepend=0.0) @ price[dearest]) / needed_kwh


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
