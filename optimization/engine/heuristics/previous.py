"""The last plan on the horizon of the next one."""

from collections.abc import Mapping

import numpy as np

from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import DeviceSeries, Schedule
from optimization.engine.series import Series


def moved_to(
    problem: SiteProblem, previous: Schedule, otherwise: Mapping[str, DeviceSeries]
) -> dict[str, DeviceSeries]:
    """Return the previous plan's series on the problem's horizon; where it says nothing, those of `otherwise`.

    A plan in steps of another length says nothing.
    """
    known = previous.devices if previous.horizon.step == problem.horizon.step else {}
    shift = (problem.horizon.start - previous.horizon.start) / problem.horizon.step
    if not shift.is_integer():
        known = {}
    return {
        name: {
            quantity: _moved(known.get(name, {}).get(quantity), values, int(shift))
            for quantity, values in series.items()
        }
        for name, series in otherwise.items()
    }


def _moved(known: Series | None, otherwise: Series, shift: int) -> Series:
    if known is None:
        return otherwise
    steps = np.arange(len(otherwise)) + shift
    within = (steps >= 0) & (steps < len(known))
    return np.where(within, known[np.clip(steps, 0, len(known) - 1)], otherwise)
