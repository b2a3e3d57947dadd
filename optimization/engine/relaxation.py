"""The first, linear look at a site: no either/or, every wish held, on/off states anywhere between."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import highspy
import numpy as np

from optimization.engine.compiled import Compiled, Filled, Places
from optimization.engine.highs import pass_model, set_options
from optimization.engine.series import Series


@dataclass(frozen=True)
class Linear:
    """What the linear programme says: a value per column of the model, and the goal.

    `reduced` holds the reduced costs of the columns where the site has on/off devices.
    Where it found no plan, `found` is false and the rest says nothing; `infeasible` where none holds every wish.
    """

    values: Series
    goal: float
    reduced: Series
    found: bool = True
    infeasible: bool = False


_warm: ContextVar[bool] = ContextVar("warm", default=False)
_known: "WeakKeyDictionary[Compiled, dict[bool, Relaxation]]" = WeakKeyDictionary()


@contextmanager
def warm_starts() -> Iterator[None]:
    """Let each site start from the basis of the one before it that has the same topology: for many sites in a row.

    That is about a third faster; which one of equally cheap plans is found then depends on the sites before.
    """
    token = _warm.set(True)
    try:
        yield
    finally:
        _warm.reset(token)


def relaxation_of(compiled: Compiled, *, elastic: bool = False) -> "Relaxation":
    """Return the linear programme of a compiled model, made once."""
    found = _known.setdefault(compiled, {})
    if elastic not in found:
        found[elastic] = Relaxation(compiled, elastic=elastic)
    return found[elastic]


class Relaxation:
    """The linear programme of a topology; each thread keeps one HiGHS object, hot while one site is searched.

    Left out are the binaries that only exclude opposites, with their rows, and (unless `elastic`) the missed wishes.
    Rows of which one column is left become bounds of that column.
    """

    def __init__(self, compiled: Compiled, *, elastic: bool = False) -> None:
        self.compiled = compiled
        kept = np.ones(compiled.column_count, dtype=bool)
        kept[compiled.exclusive[:, 0]] = False
        row_kept = np.ones(compiled.row_count, dtype=bool)
        row_kept[compiled.rows[np.isin(compiled.column_of_value, compiled.exclusive[:, 0])]] = False
        if not elastic:
            kept[np.concatenate(compiled.ranks)] = False
            row_kept[compiled.rank_rows] = False
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
        self._all = np.arange(len(self.columns), dtype=np.int32)
        self._continuous = np.zeros(len(self.columns), dtype=bool)
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
        highs, last = self._warm()
        if last is filled:
            highs.changeColsBounds(len(low), self._all, low, high)
        else:
            basis = highs.getBasis() if last is not None and _warm.get() else None
            pass_model(
                highs,
                goal=filled.goal[self.columns],
                offset=filled.goal_offset,
                low=low,
                high=high,
                row_low=filled.row_low[self.rows],
                row_high=filled.row_high[self.rows],
                starts=self._starts,
                index=self._index,
                values=filled.values[self._values],
                integer=self._continuous,
            )
            if basis is not None:
                highs.setBasis(basis)
        highs.run()
        self._here.last = filled
        return self._answer(highs)

    def duals(self) -> Series:
        """Return what a unit more on the right-hand side of each row costs in the last solution of this thread.

        Rows that were left out, or became bounds, have 0.
        """
        duals = np.zeros(self.compiled.row_count)
        duals[self.rows] = self._here.highs.getSolution().row_dual
        return duals

    def _bounds(self, filled: Filled, low: Series, high: Series) -> tuple[Series, Series]:
        """Return the bounds of the columns with those rows that are bounds in disguise."""
        low, high, value = low.copy(), high.copy(), filled.values[self._single]
        column, row = self.compiled.column_of_value[self._single], self.compiled.rows[self._single]
        one, other = filled.row_low[row] / value, filled.row_high[row] / value
        np.maximum.at(low, column, np.minimum(one, other))
        np.minimum.at(high, column, np.maximum(one, other))
        return low[self.columns], high[self.columns]

    def _warm(self) -> tuple[highspy.Highs, Filled | None]:
        """Return this thread's solver, and the site that it solved last, with whose basis the next one starts."""
        if not hasattr(self._here, "highs"):
            self._here.highs, self._here.last = highspy.Highs(), None
            set_options(self._here.highs)
            self._here.highs.setOptionValue("presolve", "off")
        return self._here.highs, self._here.last

    def _answer(self, highs: highspy.Highs) -> Linear:
        solution, status = highs.getSolution(), highs.getModelStatus()
        values, reduced = np.zeros((2, self.compiled.column_count))
        if status != highspy.HighsModelStatus.kOptimal:
            # The next site must not start from where this one failed.
            del self._here.highs
            infeasible = status == highspy.HighsModelStatus.kInfeasible
            return Linear(values, np.inf, reduced, found=False, infeasible=infeasible)
        values[self.columns] = solution.col_value
        if self.compiled.switches:
            reduced[self.columns] = solution.col_dual
        return Linear(values, highs.getInfo().objective_function_value, reduced)
