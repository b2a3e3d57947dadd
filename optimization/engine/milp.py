"""Solver "milp": the Pyomo model solved exactly by HiGHS."""

import math
import time
from dataclasses import replace

import numpy as np

from optimization.engine.baseline import baseline
from optimization.engine.errors import SolverError
from optimization.engine.evaluate import judged, relative_gap
from optimization.engine.formulation import SiteModel, formulate
from optimization.engine.highs import Answer, Program, Progress
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import DeviceSeries, Schedule
from optimization.engine.series import Series

GOAL, PENALTY = 0, 1
MISSED_KWH = 1e-6
BOTH_KW = 1e-6


def solve_milp(problem: SiteProblem, *, gap: float, time_limit: float, progress: Progress | None = None) -> Schedule:
    """Return the cheapest plan, proven within the relative `gap`, or the best known after `time_limit` seconds.

    First the wishes count with their penalties. Where some cannot be held, a second solve fixes by how much and
    minimises the goal alone, so penalties never blur the cost or its bound. Should the time end before any plan is
    found, the uncontrolled plan is the answer (solver "uncontrolled"), with its distance to the bound.

    Raises:
        SolverError: when HiGHS ends for another reason than optimality or time.
    """
    started = time.perf_counter()
    _tell(progress, "build")
    site = formulate(problem)
    program = Program(site.model)
    built = time.perf_counter()
    _tell(progress, "solve")
    search = _Search(program, site, gap=gap, deadline=built + time_limit, progress=progress)
    answer = search.cheapest_for_the_same_misses(search.exclusive_only_where_needed((GOAL, PENALTY)))
    seconds = {"build": built - started, "solve": time.perf_counter() - built}
    if answer.values is None:
        return _without_a_plan(problem, answer, seconds)
    return judged(
        problem,
        _read(problem, site, program, answer.values),
        solver="milp",
        status="time_limit" if answer.timed_out else "optimal",
        bound_eur=answer.bound,
        seconds=seconds,
    )


def _tell(progress: Progress | None, phase: str) -> None:
    if progress is not None:
        progress(phase, None)


class _Search:
    """The solves of one plan, all against one deadline."""

    def __init__(
        self, program: Program, site: SiteModel, *, gap: float, deadline: float, progress: Progress | None
    ) -> None:
        self.program, self.gap, self.deadline, self.progress = program, gap, deadline, progress
        exclusive = [trio for trio in site.exclusive if all(map(program.uses, trio))]
        self.binary = program.places(binary for binary, _, _ in exclusive)
        self.one = program.places(one for _, one, _ in exclusive)
        self.other = program.places(other for _, _, other in exclusive)
        self.missed = program.places(site.missed)

    def exclusive_only_where_needed(self, objectives: tuple[int, ...], start: Series | None = None) -> Answer:
        """Solve with the exclusivity binaries relaxed; bring them in only if the plan does two opposite things.

        The relaxed optimum is a lower bound, so a plan that keeps the exclusivity is optimal for the full model.
        """
        self.program.integer[self.binary] = False
        relaxed = self._solve(objectives, start)
        if relaxed.values is not None and self._exclusive(relaxed.values):
            return self._polished(objectives, relaxed)
        self.program.integer[self.binary] = True
        full = self._solve(objectives, start)
        return self._polished(objectives, replace(full, bound=max(full.bound, relaxed.bound)))

    def cheapest_for_the_same_misses(self, answer: Answer) -> Answer:
        """Fix how far each wish is missed and minimise the goal alone; nothing to do where all wishes hold."""
        if answer.values is None or answer.values[self.missed].sum() <= MISSED_KWH:
            return answer
        self.program.high[self.missed] = np.maximum(answer.values[self.missed], 0.0)
        second = self.exclusive_only_where_needed((GOAL,), answer.values)
        return second if second.values is not None else replace(second, values=answer.values)

    def _exclusive(self, values: Series) -> bool:
        return bool(np.all(np.minimum(values[self.one], values[self.other]) <= BOTH_KW))

    def _polished(self, objectives: tuple[int, ...], answer: Answer) -> Answer:
        """Fix all on/off decisions at exact 0 and 1 and solve the rest again, so that no rounding is left."""
        if answer.values is None:
            return answer
        decided = answer.values.copy()
        decided[self.binary] = decided[self.one] > decided[self.other]
        whole = self.program.integer.copy()
        whole[self.binary] = True
        polished = self.program.solve_fixed(objectives, whole, np.round(decided[whole]))
        return answer if polished is None else replace(answer, values=polished)

    def _solve(self, objectives: tuple[int, ...], start: Series | None) -> Answer:
        left = self.deadline - time.perf_counter()
        answer = self.program.solve(objectives, gap=self.gap, time_limit=left, start=start, progress=self.progress)
        if answer.values is None and not answer.timed_out:
            raise SolverError(f"HiGHS ended with status {answer.status!r} and no plan")
        return answer


def _read(problem: SiteProblem, site: SiteModel, program: Program, values: Series) -> dict[str, DeviceSeries]:
    program.load(values)
    return {
        device.name: device.read(getattr(site.model, f"device_{index}"), problem.horizon)
        for index, device in enumerate(problem.devices)
    }


def _without_a_plan(problem: SiteProblem, answer: Answer, seconds: dict[str, float]) -> Schedule:
    idle = baseline(problem)
    # A bound that counts penalties says nothing about the cost of a plan that misses wishes.
    bound = -math.inf if idle.unmet else min(answer.bound, idle.objective_eur)
    return replace(
        idle,
        status="time_limit",
        bound_eur=bound,
        gap=relative_gap(idle.objective_eur, bound),
        seconds=seconds,
    )
