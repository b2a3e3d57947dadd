"""Offers of electric vehicles: stop charging, or charge earlier, within one stay at the charger."""

import math

import numpy as np

from flexmarket.engine.opentumflex.offers import Offers, first_smaller
from flexmarket.engine.site_plan import SitePlan, of_kind
from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Device, ElectricVehicle
from optimization.engine.horizon import Horizon
from optimization.engine.series import Series

DECIMALS = 3
NOISE_KWH = 1e-9
PAID_SHARE = 1.3
BOUGHT_SHARE = 0.7


def stay_offers(planned_kw: Series, max_power_kw: float, price: Series, steps_per_hour: int) -> Offers:
    """Return the offers of one stay; the arrays have one value per step from arrival to departure, both included.

    `planned_kw` is the charging power (0 or more). Neither content nor capacity count, only the energy that the stay
    has planned. Powers, energies and prices are rounded to 3 decimals before the limits are applied.
    Source: sections b.3 and c of the OpenTUMFlex 1.0 description.
    """
    count = len(planned_kw)
    remaining = _remaining_energy(planned_kw, steps_per_hour)
    stop = np.maximum(planned_kw, 0.0)
    extra = np.where((max_power_kw - planned_kw > 0) & (remaining > 0), max_power_kw - planned_kw, 0.0)
    offers = Offers.none(count)
    offers.positive_power[:] = _rounded(stop)
    offers.positive_energy[:] = _rounded_energy(stop, steps_per_hour)
    offers.negative_power[:] = _rounded(extra)
    offers.negative_energy[:] = _rounded_energy(extra, steps_per_hour)
    _leave_time_to_recover(offers, max_power_kw, steps_per_hour)
    _stay_within_plan(offers, _rounded(planned_kw), _rounded(remaining), max_power_kw, steps_per_hour)
    _set_prices(offers, _rounded(price), max_power_kw, steps_per_hour)
    return offers


def _rounded(values: Series) -> Series:
    return np.round(values, DECIMALS)


def _remaining_energy(planned_kw: Series, steps_per_hour: int) -> Series:
    """Return the energy still to be charged in each step and after it, kWh."""
    energy = planned_kw / steps_per_hour
    before = np.append(0.0, np.cumsum(energy)[:-1])
    remaining: Series = energy.sum() - before
    return np.where(remaining > NOISE_KWH, remaining, 0.0)


def _rounded_energy(power_kw: Series, steps_per_hour: int) -> Series:
    """Return the energy until the power gets smaller, rounded; 0 where it never does.

    It never exceeds what the rounded power can move in the steps that are left.
    """
    drop, steps = first_smaller(power_kw), np.arange(len(power_kw))
    duration = np.where(drop < len(power_kw), drop - steps, 0)
    movable = _rounded(power_kw) * (len(power_kw) - steps) / steps_per_hour
    return np.minimum(_rounded(power_kw * duration / steps_per_hour), movable)


def _leave_time_to_recover(offers: Offers, max_power_kw: float, steps_per_hour: int) -> None:
    """Cut the energy of positive offers to what full power can bring back in the steps after them."""
    power, energy = offers.positive_power, offers.positive_energy
    count = len(power)
    for step in np.flatnonzero(power > 0).tolist():
        left = count - round(step + steps_per_hour * energy[step] / power[step])
        required = math.ceil(energy[step] / (max_power_kw / steps_per_hour))
        if left < required:
            steps = math.floor(left / steps_per_hour * max_power_kw / power[step] * steps_per_hour)
            energy[step] = steps * power[step] / steps_per_hour


def _stay_within_plan(
    offers: Offers, planned_kw: Series, remaining_kwh: Series, max_power_kw: float, steps_per_hour: int
) -> None:
    """Cut negative offers to the energy that the stay still has planned."""
    power, energy = offers.negative_power, offers.negative_energy
    drop = first_smaller(power)
    for step in np.flatnonzero(power > 0).tolist():
        # The power is rounded, so that of an idle car may lie above the maximum.
        if power[step] >= max_power_kw:
            if energy[step] > remaining_kwh[step]:
                energy[step] = remaining_kwh[step]
                if energy[step] > 0:
                    steps = math.ceil(energy[step] / max_power_kw * steps_per_hour)
                    power[step] = energy[step] * steps_per_hour / steps
        else:
            charged = np.cumsum((planned_kw[step : drop[step]] + power[step]) / steps_per_hour)
            within = int(np.count_nonzero(charged <= remaining_kwh[step]))
            if within < len(charged):
                energy[step] = within * power[step] / steps_per_hour
    power[energy <= 0] = 0.0


def _set_prices(offers: Offers, price: Series, max_power_kw: float, steps_per_hour: int) -> None:
    """Price offers by the cheapest later steps (stop) and the dearest later steps (charge earlier), with a margin.

    Later steps are the last one of the offer and all after it.
    """
    for step in np.flatnonzero((offers.positive_energy > 0) & (offers.positive_power > 0)).tolist():
        energy, power = offers.positive_energy[step], offers.positive_power[step]
        recovery = math.ceil(energy / max_power_kw * steps_per_hour)
        later = _prices_from_last_step(price, step, math.ceil(energy / power * steps_per_hour))
        offers.positive_price[step] = PAID_SHARE * later[:recovery].mean()
    for step in np.flatnonzero((offers.negative_energy > 0) & (offers.negative_power > 0)).tolist():
        duration = math.ceil(offers.negative_energy[step] / offers.negative_power[step] * steps_per_hour)
        later = _prices_from_last_step(price, step, duration)
        offers.negative_price[step] = -BOUGHT_SHARE * later[::-1][:duration].mean()


def _prices_from_last_step(price: Series, step: int, duration: int) -> Series:
    """Return the prices from the last step of an offer on, cheapest first; one at least."""
    return np.sort(price[min(step + duration, len(price)) - 1 :])


def stay_rows(car: ElectricVehicle, horizon: Horizon) -> list[slice]:
    """Return the steps of each stay in the horizon: from its first whole step to the step in which it ends, included.

    That last step is left out where it lies beyond the horizon or belongs to the next stay.
    """
    spans = [span for span in car.spans(horizon) if span.first < span.end]
    starts = [*(span.first for span in spans), horizon.count]
    return [slice(span.first, min(span.end + 1, start)) for span, start in zip(spans, starts[1:], strict=True)]


def quantify(plan: SitePlan, device: Device) -> FlexTable:
    """Return the table of a car; outside its stays only the scheduled power and the price forecast are given."""
    car = of_kind(device, ElectricVehicle)
    forecast = plan.problem.price("import_eur_per_kwh").copy()
    scheduled = plan.series(car, "power_kw").copy()
    charge = plan.series(car, "charge_kw")
    offers = Offers.none(plan.count)
    for rows in stay_rows(car, plan.problem.horizon):
        offers.place(rows, stay_offers(charge[rows], car.charge_power_kw, forecast[rows], plan.steps_per_hour))
        scheduled[rows] = _rounded(scheduled[rows])
        forecast[rows] = _rounded(forecast[rows])
    return offers.table(car, scheduled, forecast)
