"""HiGHS through highspy: a compiled model with the numbers of one site, solved with one thread and a fixed seed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from optimization.engine.compiled import Compiled, Filled
from optimization.engine.series import Series

Indices = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Progress = Callable[[str, float | None], None]
FEASIBILITY_TOLERANCE = 1e-7
ABSOLUTE_GAP = 1e-7
LEAST_SECONDS = 0.01
# What HiGHS need not do where a good plan is known and only the bound is open.
SEARCHES_FOR_PLANS = (
    "mip_heuristic_run_rins",
    "mip_heuristic_run_rens",
    "mip_heuristic_run_root_reduced_cost",
    "mip_heuristic_run_feasibility_jump",
    "mip_allow_restart",
    "mip_detect_symmetry",
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What HiGHS says: values per column (None without a plan), proven bound, and how it ended."""

    values: Series | None
    bound: float
    timed_out: bool = False
    infeasible: bool = False
    status: str = ""


class Program:
    """The full model of one site, whose bounds and integrality may change between solves.

    `goal` and `goal_offset` are the model's objective; a solve may minimise another one.
    """

    def __init__(self, compiled: Compiled, filled: Filled) -> None:
        self._compiled, self._filled = compiled, filled
        self.goal, self.goal_offset = filled.goal, filled.goal_offset
        self.low, self.high = filled.low.copy(), filled.high.copy()
        self.row_high = filled.row_high.copy()
        self.integer = compiled.integer.copy()

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
        set_options(highs, gap=gap, time_limit=time_limit)
        pass_model(
            highs,
            goal=objective,
            offset=self.goal_offset if objective is self.goal else 0.0,
            low=low,
            high=high,
            row_low=self._filled.row_low,
            row_high=self.row_high,
            starts=self._compiled.starts,
            index=self._compiled.rows,
            values=self._filled.values,
            integer=integer,
        )
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            highs.setSolution(solution)
            for name in SEARCHES_FOR_PLANS:
                highs.setOptionValue(name, False)
        if progress is not None and integer.any():
            _report_progress(highs, progress)
        highs.run()
        return _answer(highs, of_a_tree=bool(integer.any()))


def pass_model(
    highs: highspy.Highs,
    *,
    goal: Series,
    offset: float,
    low: Series,
    high: Series,
    row_low: Series,
    row_high: Series,
    starts: Indices,
    index: Indices,
    values: Series,
    integer: npt.NDArray[np.bool_],
) -> None:
    """Give HiGHS a model whose matrix is stored by columns; arrays are passed eight times faster than an object."""
    highs.passModel(
        len(goal),
        len(row_low),
        len(values),
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        offset,
        goal,
        low,
        high,
        row_low,
        row_high,
        starts,
        index,
        values,
        integer.astype(np.int32),
    )


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


def set_options(highs: highspy.Highs, *, gap: float = 0.0, time_limit: float = np.inf) -> None:
    """Set one thread, a fixed seed and the tolerances; `gap` is relative, `time_limit` in seconds."""
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
