"""On/off operation with minimum run and rest times; for heat pumps, CHPs and generators."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo

from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Expression, Parameters, Switch
from optimization.engine.series import Series
from optimization.engine.violations import Violation


class CommitmentShape(NamedTuple):
    """What shapes the model: the shortest run and rest in steps, and whether starts are counted."""

    min_run: int
    min_rest: int
    starts: bool


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

    def shape(self, *, starts: bool) -> CommitmentShape:
        """Return the shape; `starts` where a start or a stop is of consequence in itself."""
        return CommitmentShape(self.min_run, self.min_rest, starts or self.min_run > 1 or self.min_rest > 1)

    def parameters(self) -> Parameters:
        """Return the state before the horizon, and which states each step may have."""
        low, high = np.zeros(self.horizon.count), np.ones(self.horizon.count)
        low[: self.held] = high[: self.held] = float(self.initially_on)
        return {"initially_on": float(self.initially_on), "on_low": low, "on_high": high}

    @staticmethod
    def build(block: Block, shape: CommitmentShape, grid: Grid) -> Switch:
        """Add `block.on`, and `block.start` and `block.stop` where minimum times or starts need them."""
        block.on = pyo.Var(grid.steps, domain=pyo.Integers, bounds=lambda b, t: (b.on_low[t], b.on_high[t]))
        if not shape.starts:
            return Switch(block.on, initially=block.initially_on)
        block.start = pyo.Var(grid.steps, bounds=(0, 1))
        block.stop = pyo.Var(grid.steps, bounds=(0, 1))

        def change(block: Block, t: int) -> Expression:
            before = block.on[t - 1] if t else block.initially_on
            return block.on[t] - before == block.start[t] - block.stop[t]

        def run(block: Block, t: int) -> Expression:
            return sum(block.start[k] for k in range(max(0, t - shape.min_run + 1), t + 1)) <= block.on[t]

        def rest(block: Block, t: int) -> Expression:
            return sum(block.stop[k] for k in range(max(0, t - shape.min_rest + 1), t + 1)) <= 1 - block.on[t]

        block.change = pyo.Constraint(grid.steps, rule=change)
        block.run = pyo.Constraint(grid.steps, rule=run)
        block.rest = pyo.Constraint(grid.steps, rule=rest)
        return Switch(block.on, shape.min_run, shape.min_rest, block.initially_on)

    def state_at(self, on: Series, step: int) -> dict[str, float]:
        """Return whether it is on before `step`, and for how many minutes; none are said where that was ever so."""
        state, step_minutes = round(float(on[step - 1])), self.horizon.step.total_seconds() / 60
        other = np.flatnonzero(np.round(on[:step]) != state)
        if len(other):
            return {"on": state, "minutes": (step - 1 - int(other[-1])) * step_minutes}
        if bool(state) != self.initially_on:
            return {"on": state, "minutes": step * step_minutes}
        minutes = step * step_minutes + self.initial_minutes
        return {"on": state} if math.isinf(minutes) else {"on": state, "minutes": minutes}

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
