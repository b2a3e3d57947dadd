"""What heat pumps and combined heat and power units share: devices that run or stand, and a heat store behind them."""

from dataclasses import dataclass

import numpy as np

from flexmarket.engine.opentumflex.offers import Steps
from optimization.engine.commitment import Commitment
from optimization.engine.series import Series

EARNED_SHARE = 1.15
BOUGHT_SHARE = 0.85


@dataclass(frozen=True, kw_only=True, eq=False)
class SwitchingPlan:
    """A plan of a device that runs or stands; arrays of one value per step.

    `on` is 1 or 0, `power_kw` the electric power it has or would have when running (0 or more), `soc_change_percent`
    what switching it in this step would add to the heat store (percent of its capacity, negative when it runs),
    `soc_percent` the planned content at the end of the step. `commitment` brings minimum run and rest times, if any.
    """

    on: Series
    power_kw: Series
    soc_percent: Series
    soc_change_percent: Series
    min_soc_percent: float
    max_soc_percent: float = 100.0
    commitment: Commitment | None = None


def soc_change(on: Series, heat_kw: Series, capacity_kwh: float, steps_per_hour: int) -> Series:
    """Return what switching adds to the store per step, percent: its heat where it stands, minus that where it runs."""
    return np.where(on > 0, -1, 1) * heat_kw / steps_per_hour / capacity_kwh * 100


def switching_steps(plan: SwitchingPlan) -> Steps:
    """Return for each step how many steps the device can be switched the other way, 0 where it cannot.

    The plan must not change state in them, as many steps of the other state must follow in which the heat is caught
    up, the store must stay inside its band, and minimum run and rest times must hold.
    """
    steps = np.minimum(np.minimum(_steps_of_same_state(plan.on), _steps_of_other_state(plan.on)), _steps_in_band(plan))
    commitment = plan.commitment
    if commitment is None or commitment.min_run == commitment.min_rest == 1:
        return steps
    return np.array([_steps_in_times(plan.on, commitment, step, int(most)) for step, most in enumerate(steps)])


def _steps_in_times(on: Series, commitment: Commitment, start: int, most: int) -> int:
    """Return the most steps from `start` that can be switched without breaking a minimum run or rest time."""
    for steps in range(most, 0, -1):
        switched = on.copy()
        switched[start : start + steps] = 1 - switched[start : start + steps]
        if not any(commitment.violations("", switched)):
            return steps
    return 0


def _steps_of_same_state(on: Series) -> Steps:
    """Return for each step how many steps keep its state, itself included."""
    count = len(on)
    changes = np.append(np.flatnonzero(np.diff(on)) + 1, count)
    steps = np.arange(count)
    return np.asarray(changes[np.searchsorted(changes, steps, side="right")] - steps, dtype=np.intp)


def _steps_of_other_state(on: Series) -> Steps:
    """Return for each step how many steps from it to the end have the other state."""
    running = on > 0
    running_left = np.cumsum(running[::-1])[::-1]
    standing_left = np.cumsum(~running[::-1])[::-1]
    return np.asarray(np.where(running, standing_left, running_left), dtype=np.intp)


def _steps_in_band(plan: SwitchingPlan) -> Steps:
    """Return for each step how many changes the store takes before it leaves its band.

    The count starts from the planned content at the end of the step; its later planned course does not matter.
    """
    count = len(plan.on)
    total = np.append(0.0, np.cumsum(plan.soc_change_percent))
    # Row s holds the course after 0, 1, .. changes from step s on.
    course = plan.soc_percent[:, None] + total[None, :] - total[:-1, None]
    later = np.arange(count + 1)[None, :] >= np.arange(count)[:, None]
    outside = later & ~((course > plan.min_soc_percent) & (course < plan.max_soc_percent))
    held = np.argmax(outside, axis=1) - np.arange(count) - 1
    return np.where(outside.any(axis=1), np.maximum(held, 0), count - np.arange(count))


def postponed_price(price: Series, candidates: Series, start: int, steps: int) -> float:
    """Return 1.15 times the mean of the `steps` lowest prices from `start` on, among the candidate steps (1 or 0)."""
    later = np.sort(price[start:][candidates[start:] > 0])
    return EARNED_SHARE * float(later[:steps].sum()) / steps


def advanced_price(price: Series, candidates: Series, start: int, steps: int) -> float:
    """Return -0.85 times the mean of the `steps` highest prices from `start` on, among the candidate steps."""
    later = np.sort(price[start:][candidates[start:] > 0])[::-1]
    return -BOUGHT_SHARE * float(later[:steps].sum()) / steps
