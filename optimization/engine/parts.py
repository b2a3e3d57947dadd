"""What a device adds to the model of its site, and how results are read back from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimization.engine.series import Series
from optimization.engine.wishes import Wish

Expression = Any
Block = Any
Variable = Any


@dataclass(kw_only=True)
class Part:
    """One device's share of the balances (kW per step, positive = consumption), its inputs, cost and wishes.

    `exclusive` holds (binary, one, other): the binary is 1 where only `one` may be above zero, else only `other`.
    `missed` holds (wish, variables of the missing energy in kWh).
    """

    power_kw: Sequence[Expression] = ()
    heat_kw: Sequence[Expression] = ()
    gas_kw: Sequence[Expression] = ()
    fuel_l_per_h: Sequence[Expression] = ()
    cost_eur: Expression = 0.0
    exclusive: list[tuple[Variable, Variable, Variable]] = field(default_factory=list)
    missed: list[tuple[Wish, Variable]] = field(default_factory=list)


def values(variable: Variable, *, low: float | Series = 0.0, high: float | Series = np.inf) -> Series:
    """Return the solved values of an indexed variable as an array, solver noise at its bounds removed."""
    raw = np.array([pyo.value(variable[index]) for index in variable], dtype=np.float64)
    raw[np.abs(raw) < 1e-7] = 0.0
    return np.clip(raw, low, high)


def switched(variable: Variable) -> Series:
    """Return the solved values of an on/off variable as exact zeros and ones."""
    return np.round(values(variable, high=1.0))
