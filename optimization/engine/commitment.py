"""On/off operation with minimum run and rest times; for heat pumps, CHPs and generators."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo

from optimization.engine.horizon import Horizon
from optimization.engine.parts import Block, Expression
from optimization.engine.series import Series
from optimization.engine.violations import Violation


@dataclass(frozen=True, kw_only=True)
class Commitment:
    """On/off with minimum times in minutes, which also hold for the state before the horizon.

    Formulation: turn-on and turn-off inequalities of Rajan and Takriti, "Minimum up/down polytopes of the unit
    commitment problem with start-up costs", IBM Research Report RC23628 (2005).
    """

    min_run_minutes: float
    min_rest_minutes: float
    initially_on: bool
    initial_minutes: float
    horizon: Horizon

    @property
    def min_run(self) -> int:
        """Shortest run in steps."""
        return max(1, self.horizon.steps_in(self.min_run_minutes))

    @property
    def min_rest(self) -> int:
        """Shortest rest in steps."""
        return max(1, self.horizon.steps_in(self.min_rest_minutes))

    @property
    def held(self) -> int:
        """How many first steps keep the initial state because its minimum time is not over."""
        if math.isinf(self.initial_minutes):
            return 0
        shortest = self.min_run_minutes if self.initially_on else self.min_rest_minutes
        return min(self.horizon.count, self.horizon.steps_in(max(0.0, shortest - self.initial_minutes)))

    def build(self, block: Block, *, with_starts: bool) -> None:
        """Add `block.on`, and `block.start` and `block.stop` where minimum times or starts need them."""
        steps = range(self.horizon.count)
        block.on = pyo.Var(steps, domain=pyo.Binary)
        for step in range(self.held):
            block.on[step].fix(int(self.initially_on))
        if not with_starts and self.min_run == self.min_rest == 1:
            return
        block.start = pyo.Var(steps, bounds=(0, 1))
        block.stop = pyo.Var(steps, bounds=(0, 1))

        def change(block: Block, t: int) -> Expression:
            before = block.on[t - 1] if t else int(self.initially_on)
            return block.on[t] - before == block.start[t] - block.stop[t]

        def run(block: Block, t: int) -> Expression:
            return sum(block.start[k] for k in range(max(0, t - self.min_run + 1), t + 1)) <= block.on[t]

        def rest(block: Block, t: int) -> Expression:
            return sum(block.stop[k] for k in range(max(0, t - self.min_rest + 1), t + 1)) <= 1 - block.on[t]

        block.change = pyo.Constraint(steps, rule=change)
        block.run = pyo.Constraint(steps, rule=run)
        block.rest = pyo.Constraint(steps, rule=rest)

    def starts(self, on: Series) -> Series:
        """Return 1 for each step in which the device goes on."""
        before = np.concatenate([[float(self.initially_on)], on[:-1]])
        return np.asarray(np.maximum(0.0, on - before))

    def may_change(self, on: list[float], step: int) -> bool:
        """Tell whether the state before `step` has lasted long enough to end there (`on` holds the steps before)."""
        if step < self.held:
            return False
        state = on[step - 1] if step else float(self.initially_on)
        lasted = 0
        while lasted < step and on[step - 1 - lasted] == state:
            lasted += 1
        if lasted == step and state == float(self.initially_on):
            return True
        return lasted >= (self.min_run if state else self.min_rest)

    def violations(self, device: str, on: Series) -> Iterator[Violation]:
        """Yield states that are neither on nor off, and changes that come before the minimum time is over."""
        states: list[float] = on.tolist()
        for step, state in enumerate(states):
            if state not in (0.0, 1.0):
                yield Violation(device=device, rule="on or off", step=step, amount=state)
        for step in range(self.horizon.count):
            before = states[step - 1] if step else float(self.initially_on)
            if states[step] != before and not self.may_change(states, step):
                rule = "minimum run time" if before else "minimum rest time"
                yield Violation(device=device, rule=rule, step=step, amount=1.0)
