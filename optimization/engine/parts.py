"""What a device adds to the model of its site, and how results are read back from it."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optimization.engine.series import Series
from optimization.engine.wishes import Wish

Expression = Any
Block = Any
Variable = Any
Shape = Hashable
Parameters = Mapping[str, float | Series]
Solved = Mapping[str, Series]


@dataclass(frozen=True)
class Switch:
    """An on/off variable per step with its shortest run and rest in steps.

    It is `initially` on (1) or off (0). While on, `output` is at least `lowest`, else 0; without one, the output is the
    state itself.
    """

    on: Variable
    min_run: int = 1
    min_rest: int = 1
    initially: Expression = 0.0
    output: Variable = None
    lowest: Expression = 1.0


@dataclass(kw_only=True)
class Part:
    """One device's share of the balances, its inputs, cost and wishes.

    `takes_kw` and `gives_kw` are what it consumes and produces in each step, both 0 or more; consumed heat is positive.
    `exclusive` holds (binary, one, other): the binary is 1 where only `one` may be above zero, else only `other`.
    `missed` holds (wish, variables of the missing energy in kWh), `switches` what is on or off.
    """

    takes_kw: Sequence[Expression] = ()
    gives_kw: Sequence[Expression] = ()
    heat_kw: Sequence[Expression] = ()
    gas_kw: Sequence[Expression] = ()
    fuel_l_per_h: Sequence[Expression] = ()
    cost_eur: Sequence[Expression] = ()
    exclusive: list[tuple[Variable, Variable, Variable]] = field(default_factory=list)
    missed: list[tuple[Wish, Variable]] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)


def within(solved: Series, *, low: float | Series = 0.0, high: float | Series = np.inf) -> Series:
    """Return solved values with solver noise at zero and at their bounds removed."""
    settled: Series = np.where(np.abs(solved) < 1e-7, 0.0, solved)
    return np.minimum(np.maximum(settled, low), high)


def switched(solved: Series) -> Series:
    """Return solved on/off values as exact zeros and ones."""
    return np.rint(np.minimum(np.maximum(solved, 0.0), 1.0))
