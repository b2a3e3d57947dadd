"""The first, linear look at a site: no either/or, every wish held, on/off states anywhere between."""

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import highspy
import numpy as np

from optimization.engine.compiled import Compiled, Filled, Places
from optimization.engine.highs import set_options
from optimization.engine.series import Series


@dataclass(frozen=True)
class Linear:
    """What the linear programme says: a value per column of the model, the goal, and the price of each column.

    Where it found no plan, `found` is false and the rest says nothing; `infeasible` where none holds every wish.
    """

    values: Series
    goal: float
    reduced: Series
    found: bool = True
    infeasible: bool = False


_known: "WeakKeyDictionary[Compiled, Relaxation]" = WeakKeyDictionary()


def relaxation_of(compiled: Compiled) -> "Relaxation":
    """Return the linear programme of a compiled model, made once."""
    found = _known.get(compiled)
    if found is None:
        found = _known[compiled] = Relaxation(compiled)
    return found


class Relaxation:
    """The linear programme of a topology; each thread keeps one HiGHS object that starts from its last basis.

    Left out are the binaries that only exclude opposites, with their rows, and the missed wishes. Rows of which one
    column is left become bounds of that column.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        kept = np.ones(compiled.column_count, dtype=bool)
        kept[compiled.exclusive[:, 0]] = False
        row_kept = np.ones(compiled.row_count, dtype=bool)
        row_kept[compiled.rows[np.isin(compiled.column_of_value, compiled.exclusive[:, 0])]] = False
        for rank in compiled.ranks:
            kept[rank] = False
        inside = kept[compiled.column_of_value] & row_kept[compiled.rows]
        left = np.bincount(compiled.rows[inside], minlength=compiled.row_count)
        single = inside & (left[compiled.rows] == 1) & self._constant_values()
        row_kept[compiled.rows[single]] = False
        self.columns: Places = np.flatnonzero(kept)
        self.rows: Places = np.flatnonzero(row_kept)
        self._single: Places = np.flatnonzero(single)
        self._values: Places = np.flatnonzero(inside & ~single)
        new_row = np.cumsum(row_kept) - 1
        self._index = new_row[compiled.rows[self._values]].astype(np.int32)
        new_column = np.cumsum(kept) - 1
        within = new_column[compiled.column_of_value[self._values]]
        self._starts = np.searchsorted(within, np.arange(len(self.columns) + 1)).astype(np.int32)
        self._here = threading.local()

    def _constant_values(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        entries, count = self.compiled.entries, len(self.compiled.rows)
        first = len(entries.constants) - 2 * len(self.compiled.switches) - count
        constant = np.abs(entries.constants) > 0
        constant[entries.places] = False
        return constant[first : first + count]

    def solve(self, filled: Filled, low: Series | None = None, high: Series | None = None) -> Linear:
        """Minimise the goal of a site; `low` and `high` replace the bounds of its columns."""
        low, high = self._bounds(filled, filled.low if low is None else low, filled.high if high is None else high)
        highs, basis = self._warm()
        highs.passModel(self._programme(filled, low, high))
        if basis is not None:
            highs.setBasis(basis)
        highs.run()
        return self._answer(highs)

    def _bounds(self, filled: Filled, low: Series, high: Series) -> tuple[Series, Series]:
        """Return the bounds of the columns with those rows that are bounds in disguise."""
        low, high, value = low.copy(), high.copy(), filled.values[self._single]
        column, row = self.compiled.column_of_value[self._single], self.compiled.rows[self._single]
        one, other = filled.row_low[row] / value, filled.row_high[row] / value
        np.maximum.at(low, column, np.minimum(one, other))
        np.minimum.at(high, column, np.maximum(one, other))
        return low[self.columns], high[self.columns]

    def _programme(self, filled: Filled, low: Series, high: Series) -> highspy.HighsLp:
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.columns), len(self.rows)
        lp.col_cost_, lp.offset_ = filled.goal[self.columns], filled.goal_offset
        lp.col_lower_, lp.col_upper_ = low, high
        lp.row_lower_, lp.row_upper_ = filled.row_low[self.rows], filled.row_high[self.rows]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = self._starts, self._index
        lp.a_matrix_.value_ = filled.values[self._values]
        return lp

    def _warm(self) -> tuple[highspy.Highs, highspy.HighsBasis | None]:
        """Return this thread's solver, and the basis that its last solve ended with."""
        highs = getattr(self._here, "highs", None)
        if highs is not None:
            return highs, highs.getBasis()
        highs = self._here.highs = highspy.Highs()
        set_options(highs)
        return highs, None

    def _answer(self, highs: highspy.Highs) -> Linear:
        solution, status = highs.getSolution(), highs.getModelStatus()
        values, reduced = np.zeros((2, self.compiled.column_count))
        if status != highspy.HighsModelStatus.kOptimal:
            # The next site must not start from where this one failed.
            del self._here.highs
            infeasible = status == highspy.HighsModelStatus.kInfeasible
            return Linear(values, np.inf, reduced, found=False, infeasible=infeasible)
        values[self.columns], reduced[self.columns] = solution.col_value, solution.col_dual
        return Linear(values, highs.getInfo().objective_function_value, reduced)
