"""Solver "milp": the Pyomo model solved exactly by HiGHS."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from optimization.engine.baseline import baseline
from optimization.engine.compiled import Compiled, Filled, cache
from optimization.engine.errors import SolverError
from optimization.engine.evaluate import judged, relative_gap
from optimization.engine.highs import ABSOLUTE_GAP, Answer, Program, Progress
from optimization.engine.linear_first import First, LinearFirst, least_misses
from optimization.engine.previous import Previous, moved_to
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import DeviceSeries, Schedule
from optimization.engine.series import Series
from optimization.engine.topology import Site
from optimization.engine.wishes import missed_by_rank

MISSED_KWH = 1e-6
BOTH_KW = 1e-6
RANK_GAP = 1e-5
# Of the time left: what the relaxed tree may use before the full one starts, and each rank of wishes.
RELAXED_SHARE = 0.9
REFINEMENTS = 4
RANK_SHARE = 0.4
MISMATCH = 1e-4


def solve_milp(
    problem: SiteProblem,
    *,
    gap: float,
    time_limit: float,
    progress: Progress | None = None,
    previous: Previous | None = None,
) -> Schedule:
    """Return the cheapest plan, proven within the relative `gap`, or the best known after `time_limit` seconds.

    First every wish is taken as a hard limit. Where that leaves no plan, the wishes yield rank by rank: the least
    missed energy of each rank is found and kept, and then the goal is minimised. Should the time end before any plan
    is found, the uncontrolled plan is the answer (solver "uncontrolled"), with its distance to the bound.
    The on/off states of a `previous` plan are tried before any others.

    Raises:
        SolverError: when HiGHS ends for another reason than optimality or time, or contradicts the plan's own figures.
    """
    started = time.perf_counter()
    _tell(progress, "build")
    site = Site(problem)
    compiled = cache.get(site.topology)
    filled = compiled.fill(site.numbers)
    built = time.perf_counter()
    _tell(progress, "solve")
    remember = None if previous is None or not compiled.switches else partial(_remember, site, compiled, previous)
    search = _Search(compiled, filled, gap=gap, deadline=built + time_limit, progress=progress, remember=remember)
    answer = search.cheapest()
    seconds = {"build": built - started, "solve": time.perf_counter() - built}
    if answer.values is None:
        return _without_a_plan(problem, answer, seconds)
    schedule = judged(
        problem,
        _read(site, compiled, answer.values),
        solver="milp",
        status="time_limit" if answer.timed_out else "optimal",
        bound_eur=answer.bound,
        seconds=seconds,
    )
    search.compare(schedule, answer.values)
    return schedule


def _tell(progress: Progress | None, phase: str) -> None:
    if progress is not None:
        progress(phase, None)


def _remember(site: Site, compiled: Compiled, previous: Previous, values: Series) -> Series:
    """Return `values` (one per column) with the on/off states of an earlier plan where it has any."""
    places = {device.name: compiled.variables[index] for index, device in enumerate(site.devices)}
    states = {name: {"on": values[place["on"]]} for name, place in places.items() if "on" in place}
    result = values.copy()
    for name, series in moved_to(site.problem, previous, states).items():
        result[places[name]["on"]] = series["on"]
    return result


class _Search:
    """The solves of one plan, all against one deadline."""

    def __init__(
        self,
        compiled: Compiled,
        filled: Filled,
        *,
        gap: float,
        deadline: float,
        progress: Progress | None,
        remember: Callable[[Series], Series] | None,
    ) -> None:
        self.remember = remember
        self.compiled, self.filled = compiled, filled
        self.gap, self.deadline, self.progress = gap, deadline, progress
        self.program = Program(compiled, filled)
        self.binary, self.one, self.other = compiled.exclusive.T
        self.ranks = compiled.ranks

    def cheapest(self) -> Answer:
        """Return the plan of least goal among those that miss the wishes least, rank by rank."""
        for rank in self.ranks:
            self.program.high[rank] = 0.0
        first = LinearFirst(self.compiled, self.filled, gap=self.gap, remember=self.remember).solve()
        answer = Answer(values=None, bound=-math.inf, infeasible=True) if first.infeasible else self._proven(first)
        return self._with_misses() if answer.infeasible else answer

    def _with_misses(self) -> Answer:
        limited = least_misses(self.compiled, self.filled)
        if limited is not None:
            linear_first = LinearFirst(self.compiled, limited, gap=self.gap, elastic=True, remember=self.remember)
            first = linear_first.solve()
            if first.values is not None:
                self._allow_misses()
                self.program.row_high = limited.row_high.copy()
                return self._proven(first)
        return self._with_misses_by_tree()

    def _proven(self, first: First) -> Answer:
        if first.proven:
            return Answer(values=first.values, bound=first.bound)
        relaxed = None if math.isinf(first.bound) else Answer(values=None, bound=first.bound)
        return self._solve(self.program.goal, gap=self.gap, start=first.values, relaxed=relaxed)

    def _allow_misses(self) -> None:
        for rank in self.ranks:
            self.program.high[rank] = self.filled.high[rank]

    def _with_misses_by_tree(self) -> Answer:
        self._allow_misses()
        timed_out, best = False, None
        for rank, row in zip(self.ranks, self.compiled.rank_rows, strict=True):
            if best is None or best[rank].sum() > MISSED_KWH:
                missed = np.zeros(self.compiled.column_count)
                missed[rank] = 1.0
                answer = self._solve(missed, gap=RANK_GAP, share=RANK_SHARE, start=best)
                timed_out |= answer.timed_out
                best = best if answer.values is None else answer.values
            if best is None:
                return Answer(values=None, bound=-math.inf, timed_out=True)
            self.program.row_high[row] = max(0.0, float(best[rank].sum()))
        answer = self._solve(self.program.goal, gap=self.gap, start=best)
        return replace(
            answer,
            values=best if answer.values is None else answer.values,
            timed_out=timed_out or answer.timed_out or answer.values is None,
        )

    def _solve(
        self,
        objective: Series,
        *,
        gap: float,
        share: float = 1.0,
        start: Series | None = None,
        relaxed: Answer | None = None,
    ) -> Answer:
        """Solve with those exclusivity binaries alone that the plans so far have shown to be needed.

        The optimum without the others is a lower bound, so a plan that keeps the exclusivity is optimal for the full
        model.
        """
        deadline = time.perf_counter() + share * (self.deadline - time.perf_counter())
        answer = self.program.relaxed(objective) if relaxed is None else relaxed
        if answer.infeasible:
            return answer
        needed, bound = np.zeros(len(self.binary), dtype=bool), answer.bound
        for last in (*[False] * REFINEMENTS, True):
            if answer.values is not None:
                needed |= self._opposite(answer.values)
            needed |= last
            self.program.integer[self.binary] = needed
            answer = self._tree(objective, gap, deadline, start, share=1.0 if needed.all() else RELAXED_SHARE)
            if answer.infeasible:
                return answer
            bound = max(bound, answer.bound)
            polished = self._polished(objective, answer).values
            start = start if polished is None else polished
            if start is not None and self._near(objective, start, bound, gap):
                return replace(answer, values=start, bound=bound, timed_out=False)
            if needed.all() and answer.timed_out:
                break
        return replace(answer, values=start, bound=bound)

    def _near(self, objective: Series, values: Series, bound: float, gap: float) -> bool:
        """Tell whether a plan is within the gap of the bound, or as near as HiGHS goes."""
        offset = self.program.goal_offset if objective is self.program.goal else 0.0
        worth = float(objective @ values) + offset
        return worth - bound <= ABSOLUTE_GAP or relative_gap(worth, bound) <= gap

    def _tree(self, objective: Series, gap: float, deadline: float, start: Series | None, share: float = 1.0) -> Answer:
        left = share * (deadline - time.perf_counter())
        answer = self.program.solve(objective, gap=gap, time_limit=left, start=start, progress=self.progress)
        if answer.values is None and not answer.timed_out and not answer.infeasible:
            raise SolverError(f"HiGHS ended with status {answer.status!r} and no plan")
        return answer

    def _opposite(self, values: Series) -> npt.NDArray[np.bool_]:
        """Tell which pairs of opposites are both above zero."""
        return np.asarray(np.minimum(values[self.one], values[self.other]) > BOTH_KW)

    def _polished(self, objective: Series, answer: Answer) -> Answer:
        """Fix all decisions at exact 0 and 1 and solve the rest again: no rounding and nothing opposite is left.

        An answer that does two opposite things loses its values where no plan keeps its decisions.
        """
        if answer.values is None:
            return answer
        decided = answer.values.copy()
        decided[self.binary] = decided[self.one] > decided[self.other]
        whole = self.program.integer.copy()
        whole[self.binary] = True
        polished = self.program.fixed(objective, whole, np.round(decided[whole]))
        if polished is None and self._opposite(answer.values).any():
            return replace(answer, values=None)
        return answer if polished is None else replace(answer, values=polished)

    def compare(self, schedule: Schedule, values: Series) -> None:
        """Refuse a plan whose goal or misses, computed from its series, are not what the solver minimised.

        Raises:
            SolverError: names both figures.
        """
        solved = float(self.program.goal @ values + self.program.goal_offset)
        missed = [float(values[rank].sum()) for rank in self.ranks]
        pairs = [(solved, schedule.objective_eur), *zip(missed, missed_by_rank(schedule.unmet), strict=True)]
        for expected, actual in pairs:
            if abs(expected - actual) > MISMATCH * (1 + abs(expected)):
                raise SolverError(f"the plan is worth {actual:g} by its series but {expected:g} by the model")


def _read(site: Site, compiled: Compiled, values: Series) -> dict[str, DeviceSeries]:
    horizon = site.problem.horizon
    found = {device.name: device.read(compiled.solved(i, values), horizon) for i, device in enumerate(site.devices)}
    return {device.name: found[device.name] for device in site.problem.devices}


def _without_a_plan(problem: SiteProblem, answer: Answer, seconds: dict[str, float]) -> Schedule:
    idle = baseline(problem)
    # A bound on plans that hold every wish says nothing about one that does not.
    bound = -math.inf if idle.unmet else min(answer.bound, idle.objective_eur)
    return replace(
        idle, status="time_limit", bound_eur=bound, gap=relative_gap(idle.objective_eur, bound), seconds=seconds
    )
