"""The exact dispatch for given decisions: one linear programme per site, solved again from its last basis."""

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from optimization.engine.compiled import Compiled, Filled
from optimization.engine.highs import set_options
from optimization.engine.series import Series

BOTH_KW = 1e-6
MISSED_KWH = 1e-6
MISSED_DIGITS = 4
FRACTION = 1e-6
SETTLINGS = 6

Bounds = tuple[Series, Series]


@dataclass(frozen=True)
class Outcome:
    """A value per column, the goal, the energy missed in each rank of wishes (kWh), and the price of each column.

    The price is in the goal or, where more is missed than the relaxation must, in energy missed in the first such rank.
    """

    values: Series
    goal: float
    missed: tuple[float, ...]
    reduced: Series


class Dispatch:
    """The linear programme of one site; `goal` and `offset` may be replaced between solves.

    Wishes are held as hard limits where the given decisions allow it, else they yield rank by rank as in the solver
    "milp". One HiGHS object serves one search: what was solved before in this process does not change its answers.
    """

    def __init__(self, compiled: Compiled, filled: Filled) -> None:
        self.compiled, self.filled = compiled, filled
        self.goal, self.offset = filled.goal, filled.goal_offset
        self.binary, self.one, self.other = compiled.exclusive.T
        self._rest = compiled.integer.copy()
        self._rest[self.binary] = False
        self._missed = np.concatenate([*compiled.ranks, np.zeros(0, dtype=np.int64)])
        self._all = np.arange(compiled.column_count, dtype=np.int32)
        self._contested = np.zeros(compiled.column_count, dtype=bool)
        self._holdable = True
        self._least_missed = (np.inf,) * len(compiled.ranks)
        self._cost: Series | None = None
        self._highs = highspy.Highs()
        set_options(self._highs)
        self._highs.passModel(self._programme())

    @property
    def contested(self) -> npt.NDArray[np.int64]:
        """Return the either/or columns that a plan so far has left open."""
        return np.flatnonzero(self._contested)

    def relaxed(self) -> Outcome | None:
        """Return the plan with no decision taken: the lower bound, and the guide of every search."""
        found = self._plan(self.filled.low, self.filled.high)
        self._holdable = found is not None and not any(found.missed)
        self._least_missed = (0.0,) * len(self.compiled.ranks) if found is None else found.missed
        return found

    def settled(self, low: Series, high: Series) -> Outcome | None:
        """Return the best plan within bounds; either/or that they leave open goes the way that the plan leans.

        None: no plan found that does so. `low` and `high` are not kept.
        """
        outcome = self._plan(low, high)
        for _ in range(SETTLINGS):
            if outcome is None:
                return None
            places, states = self._open_decisions(outcome.values)
            if not len(places):
                return outcome
            self._contested[places] = True
            low, high = low.copy(), high.copy()
            low[places] = high[places] = states
            outcome = self._plan(low, high)
            if outcome is None and self._rest[places].any():
                rest = places[self._rest[places]]
                low[rest] = high[rest] = 0.0
                outcome = self._plan(low, high)
        return None

    def _open_decisions(self, values: Series) -> tuple[npt.NDArray[np.int64], Series]:
        """Return the decisions that `values` does not keep, and the state of each that it leans to."""
        both = np.minimum(values[self.one], values[self.other]) > BOTH_KW
        split = np.flatnonzero(self._rest & (np.abs(values - np.round(values)) > FRACTION))
        larger = values[self.one[both]] > values[self.other[both]]
        return np.concatenate([self.binary[both], split]), np.concatenate([larger * 1.0, np.round(values[split])])

    def polished(self, outcome: Outcome) -> Outcome:
        """Return the plan with every decision at an exact 0 or 1, so that no solver noise is left."""
        low, high = self.filled.low.copy(), self.filled.high.copy()
        states = np.round(outcome.values)
        states[self.binary] = outcome.values[self.one] > outcome.values[self.other]
        low[self.compiled.integer] = high[self.compiled.integer] = states[self.compiled.integer]
        found = self._plan(low, high)
        return outcome if found is None or found.missed > outcome.missed else found

    def bound_with_misses(self, outcome: Outcome) -> float:
        """Return the lowest goal of plans that miss no wish by more than this one does."""
        high = self.filled.high.copy()
        high[self._missed] = np.maximum(outcome.values[self._missed], 0.0) + MISSED_KWH
        return self._solve(self.goal, self.filled.low, high)[1]

    def _plan(self, low: Series, high: Series) -> Outcome | None:
        high = high.copy()
        if self._holdable:
            held = high.copy()
            held[self._missed] = 0.0
            found = self._solve(self.goal, low, held)
            if found[0] is not None:
                return Outcome(found[0], found[1], (0.0,) * len(self.compiled.ranks), found[2])
        price: Series | None = None
        for rank, unavoidable in zip(self.compiled.ranks, self._least_missed, strict=True):
            missed = np.zeros(len(self._all))
            missed[rank] = 1.0
            least, amount, reduced = self._solve(missed, low, high)
            if least is None:
                return None
            high[rank] = np.maximum(least[rank], 0.0)
            if price is None and amount > unavoidable + MISSED_KWH:
                price = reduced
        values, goal, reduced = self._solve(self.goal, low, high)
        if values is None:
            return None
        amounts = tuple(round(float(values[rank].sum()), MISSED_DIGITS) for rank in self.compiled.ranks)
        return Outcome(values, goal, amounts, reduced if price is None else price)

    def _solve(self, cost: Series, low: Series, high: Series) -> tuple[Series | None, float, Series]:
        """Return values (None where there are none), the cost, and reduced costs."""
        highs = self._highs
        if cost is not self._cost:
            highs.changeColsCost(len(self._all), self._all, cost)
            highs.changeObjectiveOffset(self.offset if cost is self.goal else 0.0)
            self._cost = cost
        highs.changeColsBounds(len(self._all), self._all, low, high)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None, np.inf, np.zeros(0)
        solution = highs.getSolution()
        return np.array(solution.col_value), highs.getInfo().objective_function_value, np.array(solution.col_dual)

    def _programme(self) -> highspy.HighsLp:
        lp, filled = highspy.HighsLp(), self.filled
        lp.num_col_, lp.num_row_ = self.compiled.column_count, self.compiled.row_count
        lp.col_cost_, lp.offset_ = filled.goal, filled.goal_offset
        lp.col_lower_, lp.col_upper_ = filled.low, filled.high
        lp.row_lower_, lp.row_upper_ = filled.row_low, filled.row_high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = self.compiled.starts, self.compiled.rows
        lp.a_matrix_.value_ = filled.values
        return lp
