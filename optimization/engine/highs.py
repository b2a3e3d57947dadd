"""HiGHS through highspy: a Pyomo model in matrix form, solved with one thread and a fixed seed."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from optimization.engine.parts import Variable
from optimization.engine.series import Series

Progress = Callable[[str, float | None], None]
FEASIBILITY_TOLERANCE = 1e-7
ABSOLUTE_GAP = 1e-7
LEAST_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What HiGHS says: values per column (None without a plan), proven bound, and how it ended."""

    values: Series | None
    bound: float
    timed_out: bool = False
    infeasible: bool = False
    status: str = ""


class Program:
    """A compiled model whose bounds and integrality may change between solves.

    `goal` and `goal_offset` are the model's objective; a solve may minimise another one.
    """

    def __init__(self, model: pyo.ConcreteModel) -> None:
        self._model = model
        form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=pyo.minimize)
        self.columns: list[Variable] = list(form.columns)
        self._place = {id(column): place for place, column in enumerate(self.columns)}
        self.goal: Series = np.asarray(form.c.toarray()[0], dtype=np.float64)
        self.goal_offset = float(form.c_offset[0])
        self._matrix = form.A.tocsc()
        self._lower, self._upper = _row_bounds(form.rows, np.asarray(form.rhs, dtype=np.float64))
        self.low = np.array([-np.inf if c.lb is None else c.lb for c in self.columns], dtype=np.float64)
        self.high = np.array([np.inf if c.ub is None else c.ub for c in self.columns], dtype=np.float64)
        self.integer = np.array([c.is_integer() or c.is_binary() for c in self.columns], dtype=bool)

    def uses(self, variable: Variable) -> bool:
        """Tell whether any row or the goal has this variable."""
        return id(variable) in self._place

    def places(self, variables: Iterable[Variable]) -> npt.NDArray[np.int_]:
        """Return the column number of each variable."""
        return np.array([self._place[id(variable)] for variable in variables], dtype=int)

    def load(self, values: Series) -> None:
        """Write the values back into the Pyomo variables; those that no row or goal uses get their lowest."""
        for variable in self._model.component_data_objects(pyo.Var):
            if not variable.fixed:
                variable.set_value(variable.lb or 0.0, skip_validation=True)
        for column, value in zip(self.columns, values.tolist(), strict=True):
            column.set_value(value, skip_validation=True)

    def relaxed(self, objective: Series) -> Answer:
        """Minimise with no column integer."""
        return self._run(objective, np.zeros(len(self.integer), dtype=bool), self.low, self.high, gap=0.0)

    def fixed(self, objective: Series, where: npt.NDArray[np.bool_], values: Series) -> Series | None:
        """Minimise with the columns `where` fixed and none integer; None when these values leave no plan."""
        low, high = self.low.copy(), self.high.copy()
        low[where] = high[where] = values
        return self._run(objective, np.zeros(len(self.integer), dtype=bool), low, high, gap=0.0).values

    def solve(
        self,
        objective: Series,
        *,
        gap: float,
        time_limit: float,
        start: Series | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        """Minimise `objective` (a coefficient per column).

        `gap` is the relative distance between plan and bound at which HiGHS stops, `time_limit` is in seconds,
        `start` a known plan to begin with.
        """
        return self._run(
            objective,
            self.integer,
            self.low,
            self.high,
            gap=gap,
            time_limit=max(LEAST_SECONDS, time_limit),
            start=start,
            progress=progress,
        )

    def _run(
        self,
        objective: Series,
        integer: npt.NDArray[np.bool_],
        low: Series,
        high: Series,
        *,
        gap: float,
        time_limit: float = np.inf,
        start: Series | None = None,
        progress: Progress | None = None,
    ) -> Answer:
        highs = highspy.Highs()
        _set_options(highs, gap=gap, time_limit=time_limit)
        highs.passModel(self._highs_model(objective, integer, low, high))
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            highs.setSolution(solution)
        if progress is not None and integer.any():
            _report_progress(highs, progress)
        highs.run()
        return _answer(highs, of_a_tree=bool(integer.any()))

    def _highs_model(
        self, objective: Series, integer: npt.NDArray[np.bool_], low: Series, high: Series
    ) -> highspy.HighsLp:
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.columns), len(self._lower)
        lp.col_cost_ = objective
        lp.offset_ = self.goal_offset if objective is self.goal else 0.0
        lp.col_lower_, lp.col_upper_ = low, high
        lp.row_lower_, lp.row_upper_ = self._lower, self._upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = self._matrix.indptr
        lp.a_matrix_.index_ = self._matrix.indices
        lp.a_matrix_.value_ = self._matrix.data
        if integer.any():
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[int(whole)] for whole in integer]
        return lp


def _answer(highs: highspy.Highs, *, of_a_tree: bool) -> Answer:
    info, status = highs.getInfo(), highs.getModelStatus()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return Answer(
        values=np.array(highs.getSolution().col_value) if found else None,
        bound=float(info.mip_dual_bound if of_a_tree else info.objective_function_value),
        timed_out=status == highspy.HighsModelStatus.kTimeLimit,
        infeasible=status == highspy.HighsModelStatus.kInfeasible,
        status=highs.modelStatusToString(status),
    )


def _row_bounds(rows: Sequence[Any], rhs: Series) -> tuple[Series, Series]:
    kinds = np.array([row.bound_type for row in rows])
    return np.where(kinds <= 0, rhs, -np.inf) * 1.0, np.where(kinds >= 0, rhs, np.inf) * 1.0


def _set_options(highs: highspy.Highs, *, gap: float, time_limit: float) -> None:
    options: dict[str, bool | int | float | str] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": 0,
        "mip_rel_gap": gap,
        "mip_abs_gap": ABSOLUTE_GAP,
        "time_limit": time_limit,
        "primal_feasibility_tolerance": FEASIBILITY_TOLERANCE,
        "mip_feasibility_tolerance": FEASIBILITY_TOLERANCE,
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)


def _report_progress(highs: highspy.Highs, progress: Progress) -> None:
    started = time.monotonic()
    last = started

    def report(event: highspy.HighsCallbackEvent) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.2:
            last = now
            progress("solve", float(event.data_out.mip_gap))

    highs.cbMipInterrupt += report
