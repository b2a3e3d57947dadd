"""One HiGHS model whose bounds change from solve to solve; each solve starts where the one before ended."""

from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from optimization.engine.compiled import Places
from optimization.engine.highs import SEARCHES_FOR_PLANS, pass_model, set_options
from optimization.engine.series import Series

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Entries:
    """Values of a matrix: their rows, columns and coefficients."""

    rows: Places
    columns: Places
    values: Series

    def only(self, mask: Mask) -> "Entries":
        """Return the values where `mask` holds."""
        return Entries(self.rows[mask], self.columns[mask], self.values[mask])

    def below(self, rows: int) -> "Entries":
        """Return the values with their rows moved down."""
        return Entries(self.rows + rows, self.columns, self.values)

    def times(self, values: Series, count: int) -> Series:
        """Return the activity of `count` rows."""
        activity: Series = np.zeros(count)
        np.add.at(activity, self.rows, self.values * values[self.columns])
        return activity

    @staticmethod
    def joined(parts: "list[Entries]") -> "Entries":
        """Return several lots of values as one."""
        return Entries(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.values for part in parts]),
        )


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Bounds of all columns and rows."""

    low: Series
    high: Series
    row_low: Series
    row_high: Series

    def copy(self) -> "Bounds":
        """Return bounds that may be changed."""
        return Bounds(
            low=self.low.copy(), high=self.high.copy(), row_low=self.row_low.copy(), row_high=self.row_high.copy()
        )


@dataclass(frozen=True)
class Solution:
    """A value and a reduced cost per column."""

    values: Series
    reduced: Series


class Program:
    """A linear or mixed-integer programme: one matrix and goal, other bounds in each solve."""

    def __init__(self, goal: Series, entries: Entries, bounds: Bounds, integer: Mask | None = None) -> None:
        order = np.lexsort((entries.rows, entries.columns))
        self._starts = np.searchsorted(entries.columns[order], np.arange(len(goal) + 1)).astype(np.int32)
        self._index = entries.rows[order].astype(np.int32)
        self._values = entries.values[order]
        self._integer = np.zeros(len(goal), dtype=bool) if integer is None else integer
        self._columns = np.arange(len(goal), dtype=np.int32)
        self._goal = goal.copy()
        self._bounds = bounds
        self._highs: highspy.Highs | None = None

    def solve(self, bounds: Bounds, *, last_cost: float) -> Solution | None:
        """Minimise with these bounds and the cost of the last column; None where there is no plan."""
        if self._highs is None:
            self._goal[-1] = last_cost
            self._highs = self._made(bounds)
        else:
            self._change(self._highs, bounds, last_cost)
        self._bounds = bounds
        highs = self._highs
        highs.run()
        solution, status = highs.getSolution(), highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            # The next solve must not start from where this one failed.
            self._highs = None
            return None
        return Solution(np.array(solution.col_value), np.array(solution.col_dual))

    def search(
        self, bounds: Bounds, *, last_cost: float, gap: float, time_limit: float, start: Series | None
    ) -> Series | None:
        """Search a tree, to the absolute `gap` or for `time_limit` seconds; return the best plan, None without one.

        `start` is a known plan to begin with.
        """
        self._goal[-1] = last_cost
        highs = self._made(bounds)
        for name, value in (("presolve", "on"), ("mip_abs_gap", gap), ("time_limit", time_limit)):
            highs.setOptionValue(name, value)
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            highs.setSolution(solution)
            for name in SEARCHES_FOR_PLANS:
                highs.setOptionValue(name, False)
        highs.run()
        found = highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        return np.array(highs.getSolution().col_value) if found else None

    def _change(self, highs: highspy.Highs, bounds: Bounds, last_cost: float) -> None:
        highs.changeColsBounds(len(self._columns), self._columns, bounds.low, bounds.high)
        before = self._bounds
        changed = (before.row_low != bounds.row_low) | (before.row_high != bounds.row_high)
        for row in np.flatnonzero(changed).tolist():
            highs.changeRowBounds(row, bounds.row_low[row], bounds.row_high[row])
        if self._goal[-1] != last_cost:
            self._goal[-1] = last_cost
            highs.changeColCost(len(self._goal) - 1, last_cost)

    def _made(self, bounds: Bounds) -> highspy.Highs:
        highs = highspy.Highs()
        set_options(highs)
        highs.setOptionValue("presolve", "off")
        pass_model(
            highs,
            goal=self._goal,
            offset=0.0,
            low=bounds.low,
            high=bounds.high,
            row_low=bounds.row_low,
            row_high=bounds.row_high,
            starts=self._starts,
            index=self._index,
            values=self._values,
            integer=self._integer,
        )
        return highs
