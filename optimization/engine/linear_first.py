"""The linear relaxation first; its plan is taken where it is a plan of the full model, or repaired and then proven."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optimization.engine.compiled import Compiled, Filled
from optimization.engine.evaluate import relative_gap
from optimization.engine.relaxation import Linear, Relaxation, relaxation_of
from optimization.engine.rounding import kept_states, promising_changes, rounded
from optimization.engine.series import Series

WHOLE = 1e-9
BOTH_KW = 1e-6
REPAIRS = 3
MOST_TRIALS = 40
MOST_IN_VAIN = 8
EUR_PER_MISSED_KWH = 10.0
# How to round, until a plan is found.
ROUNDINGS = ((False, 1.0), (True, 1.0), (False, 4.0), (False, 20.0), (False, 0.25))
LEAST_GAIN = 1e-6


@dataclass(frozen=True, kw_only=True)
class First:
    """The first answer: the best plan found (or None), the lower bound, and whether the plan is proven within the gap.

    `infeasible` says that no plan holds every wish.
    """

    values: Series | None = None
    bound: float = -np.inf
    proven: bool = False
    infeasible: bool = False


def least_misses(compiled: Compiled, filled: Filled) -> Filled | None:
    """Return the site with its missed wishes limited, rank by rank, to the least that the linear programme needs.

    A plan of the full model within these limits misses its wishes as little as any plan can.
    """
    elastic = relaxation_of(compiled, elastic=True)
    for rank, row in zip(compiled.ranks, compiled.rank_rows, strict=True):
        goal = np.zeros(compiled.column_count)
        goal[rank] = 1.0
        linear = elastic.solve(replace(filled, goal=goal, goal_offset=0.0))
        if not linear.found:
            return None
        row_high = filled.row_high.copy()
        row_high[row] = max(0.0, linear.goal)
        filled = replace(filled, row_high=row_high)
    return filled


class LinearFirst:
    """The linear programme of a site, and plans of the full model that are made from its answer."""

    def __init__(
        self,
        compiled: Compiled,
        filled: Filled,
        *,
        gap: float,
        elastic: bool = False,
        remember: Callable[[Series], Series] | None = None,
    ) -> None:
        """`remember` puts the states of an earlier plan into a value per column."""
        self.compiled, self.filled, self.gap, self.remember = compiled, filled, gap, remember
        self.relaxation = relaxation_of(compiled, elastic=elastic)
        self.binary, self.one, self.other = compiled.exclusive.T
        decided = compiled.integer.copy()
        decided[self.binary] = False
        self.decided = np.flatnonzero(decided)

    def solve(self) -> First:
        """Return a plan that is proven within the gap, where the linear programme leads to one."""
        linear = self.relaxation.solve(self.filled)
        if not linear.found:
            return First(infeasible=linear.infeasible)
        plan = self._plan(linear)
        if plan is None:
            return First(bound=linear.goal)
        return First(values=self._complete(plan.values), bound=linear.goal, proven=self._proven(plan, linear))

    def _proven(self, plan: Linear, linear: Linear) -> bool:
        return relative_gap(plan.goal, linear.goal) <= self.gap

    def _plan(self, linear: Linear) -> Linear | None:
        if self._off(linear.values) <= BOTH_KW:
            return self._repaired(linear, np.round(linear.values))
        plan, states = self._first_plan(linear)
        if not plan.found:
            return None
        plan, states = self._searched(plan, states, linear, self.relaxation, self.filled)
        return self._repaired(plan, states)

    def _first_plan(self, linear: Linear) -> tuple[Linear, Series]:
        """Return a plan with states of its own: those of the earlier plan if they are good enough, or rounded ones."""
        before = self._remembered(linear)
        if before is not None and self._proven(before[0], linear):
            return before
        for spread, dear_off in ROUNDINGS:
            states = rounded(self.compiled, self.filled, linear, spread=spread, dear_off=dear_off)
            plan = self.relaxation.solve(self.filled, *self._fixed(states))
            if plan.found:
                break
        else:
            if before is None:
                states = self._with_few_misses(rounded(self.compiled, self.filled, linear), linear)
                plan = self.relaxation.solve(self.filled, *self._fixed(states))
        return (plan, states) if before is None or plan.goal < before[0].goal else before

    def _remembered(self, linear: Linear) -> tuple[Linear, Series] | None:
        """Return the best plan with the states of the earlier one; None where there is none."""
        if self.remember is None:
            return None
        states = kept_states(self.compiled, self.filled, self.remember(np.round(linear.values)))
        plan = self.relaxation.solve(self.filled, *self._fixed(states))
        return (plan, states) if plan.found else None

    def _with_few_misses(self, states: Series, linear: Linear) -> Series:
        """Return states that miss less of the wishes: a search with a price on every missed kWh."""
        goal = self.filled.goal.copy()
        goal[np.concatenate(self.compiled.ranks)] = EUR_PER_MISSED_KWH
        priced, elastic = replace(self.filled, goal=goal), relaxation_of(self.compiled, elastic=True)
        plan = elastic.solve(priced, *self._fixed(states))
        return self._searched(plan, states, linear, elastic, priced)[1] if plan.found else states

    def _searched(
        self, plan: Linear, states: Series, linear: Linear, relaxation: Relaxation, filled: Filled
    ) -> tuple[Linear, Series]:
        """Return a plan that no promising change of states betters, or one that is proven."""
        tried = in_vain = 0
        while not self._proven(plan, linear) and tried < MOST_TRIALS and in_vain < MOST_IN_VAIN:
            for change in promising_changes(self.compiled, filled, states, plan.reduced):
                changed = states.copy()
                changed[change.columns] = change.state
                trial = relaxation.solve(filled, *self._fixed(changed))
                tried, in_vain = tried + 1, in_vain + 1
                if trial.found and trial.goal < plan.goal - LEAST_GAIN * abs(plan.goal):
                    plan, states, in_vain = trial, changed, 0
                    break
                if tried >= MOST_TRIALS or in_vain >= MOST_IN_VAIN:
                    break
            else:
                break
        return plan, states

    def _off(self, values: Series) -> float:
        decided = values[self.decided]
        return float(np.abs(decided - np.round(decided)).max(initial=0.0))

    def _fixed(self, states: Series) -> tuple[Series, Series]:
        low, high = self.filled.low.copy(), self.filled.high.copy()
        low[self.decided] = high[self.decided] = states[self.decided]
        return low, high

    def _repaired(self, plan: Linear, states: Series) -> Linear | None:
        """Return a plan of these states that does no two opposite things; None where none was found.

        Each pair of opposites is decided for the larger one, and the rest is planned again: what nets out changes at no
        cost, and where burning energy pays, the distance to the bound shows what the decision costs.
        """
        low, high = self._fixed(states)
        for _ in range(REPAIRS):
            if not plan.found:
                return None
            values = plan.values
            opposite = np.minimum(values[self.one], values[self.other]) > BOTH_KW
            if self._off(values) <= WHOLE and not opposite.any():
                return plan
            larger = values[self.one] > values[self.other]
            high[self.other[larger]] = 0.0
            high[self.one[~larger & opposite]] = 0.0
            plan = self.relaxation.solve(self.filled, low, high)
        return None

    def _complete(self, values: Series) -> Series:
        """Return the plan with the binaries that the linear programme left out."""
        complete = values.copy()
        complete[self.decided] = np.round(values[self.decided])
        complete[self.binary] = values[self.one] > values[self.other]
        return complete
