"""Why a plan does what it does: what a kWh is worth in each step, and what each device makes of that.

The worths are the duals of the balances and of the stored contents, with the plan's on/off states held: what one more
kWh would cost (electricity), or bring (heat, contents), in the best answer to it (marginal cost pricing).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from optimization.engine.series import Series

POWER_KW = 1e-4
NEAR_EUR = 1e-6
NEAR_KWH = 1e-3


class Why(StrEnum):
    """The reasons; the comment says what `here`, `below` and `above` are, in EUR per kWh."""

    IMPORTS = "imports"  # here: a kWh at the site
    EXPORTS = "exports"  # here: a kWh at the site
    SELF_SUFFICIENT = "self-sufficient"  # here: a kWh at the site
    AT_IMPORT_LIMIT = "at the import limit"  # here: a kWh at the site
    AT_EXPORT_LIMIT = "at the export limit"  # here: a kWh at the site
    CHARGES = "charges"  # here: a kWh at the site; below: what it brings later
    DISCHARGES = "discharges"  # here: a kWh at the site; above: what it would bring later
    WAITS = "waits"  # here: a kWh at the site; below: charging pays; above: discharging pays
    FULL = "full"
    EMPTY = "empty"
    AWAY = "away"
    RUNS = "runs"  # here: what it makes is worth; below: what that costs
    RESTS = "rests"  # here: what it would make is worth; above: what that would cost
    HELD_ON = "kept on"  # as RUNS, but it costs more than it brings
    HELD_OFF = "kept off"  # as RESTS, but it would bring more than it costs
    CURTAILED = "curtailed"  # here: a kWh at the site
    STORES_HEAT = "stores heat"  # here: a kWh of heat; below: what it brings later
    GIVES_HEAT = "gives heat"  # here: a kWh of heat; above: what it would bring later
    SHIFTED = "shifted"  # here: mean worth of its energy; above: the same at its earliest time


@dataclass(frozen=True)
class Reason:
    """Why, with the worths that `Why` tells, in EUR per kWh (NaN where there is none)."""

    why: Why
    here: float = math.nan
    below: float = math.nan
    above: float = math.nan


Reasons = Sequence[Reason | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Worth:
    """What a kWh is worth per step, EUR: electricity and heat at the site, contents by device, gas; and a litre."""

    electricity: Series
    heat: Series
    stored: Mapping[str, Series]
    gas: Series
    fuel_eur_per_l: Series


def reasons_of_site(grid_kw: Series, worth: Worth, limits_kw: tuple[float, float]) -> Reasons:
    """Return why the meter shows what it shows; `limits_kw` are those of import and export (infinite without one)."""
    most_in, most_out = limits_kw

    def reason(power: float, here: float) -> Reason:
        if power > POWER_KW:
            return Reason(Why.AT_IMPORT_LIMIT if power >= most_in - POWER_KW else Why.IMPORTS, here)
        if power < -POWER_KW:
            return Reason(Why.AT_EXPORT_LIMIT if -power >= most_out - POWER_KW else Why.EXPORTS, here)
        return Reason(Why.SELF_SUFFICIENT, here)

    return [reason(power, here) for power, here in zip(grid_kw.tolist(), worth.electricity.tolist(), strict=True)]


def reasons_of_store(
    power_kw: Series,
    energy_kwh: Series,
    band_kwh: tuple[Series | float, float],
    here: Series,
    below: Series,
    above: Series,
) -> Reasons:
    """Return why an electric store charges, discharges or waits.

    `power_kw` is positive while it charges, `below` and `above` are the worths at which charging and discharging pay.
    """
    low, high = np.broadcast_to(band_kwh[0], energy_kwh.shape), band_kwh[1]

    def reason(step: int) -> Reason:
        if power_kw[step] > POWER_KW:
            return Reason(Why.CHARGES, here[step], below=below[step])
        if power_kw[step] < -POWER_KW:
            return Reason(Why.DISCHARGES, here[step], above=above[step])
        if energy_kwh[step] >= high - NEAR_KWH:
            return Reason(Why.FULL)
        if energy_kwh[step] <= low[step] + NEAR_KWH:
            return Reason(Why.EMPTY)
        return Reason(Why.WAITS, here[step], below=below[step], above=above[step])

    return [reason(step) for step in range(len(power_kw))]


def reasons_of_converter(on: Series, brings: Series, costs: Series) -> Reasons:
    """Return why a device runs or rests that turns one energy into another; both worths per kWh of the same energy."""

    def reason(runs: bool, brings: float, costs: float) -> Reason:
        pays = brings - costs
        if runs:
            return Reason(Why.RUNS if pays >= -NEAR_EUR else Why.HELD_ON, brings, below=costs)
        return Reason(Why.RESTS if pays <= NEAR_EUR else Why.HELD_OFF, brings, above=costs)

    return [
        reason(runs > 0, here, cost)
        for runs, here, cost in zip(on.tolist(), np.asarray(brings).tolist(), np.asarray(costs).tolist(), strict=True)
    ]
