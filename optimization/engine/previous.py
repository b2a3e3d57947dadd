"""The last plan on the horizon of the next one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from optimization.engine.horizon import Horizon
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series


class Previous(Protocol):
    """A plan to start from, such as a schedule: of the same horizon, or of one that overlaps it."""

    @property
    def horizon(self) -> Horizon:
        """The steps that it plans."""

    @property
    def devices(self) -> Mapping[str, DeviceSeries]:
        """Its series by device name; those that are missing say nothing."""


@dataclass(frozen=True, eq=False)
class Remembered:
    """What is still known of a plan."""

    horizon: Horizon
    devices: Mapping[str, DeviceSeries]


def moved_to(
    problem: SiteProblem, previous: Previous, otherwise: Mapping[str, DeviceSeries]
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
