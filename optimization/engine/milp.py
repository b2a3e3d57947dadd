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
from optimization.engine.wishes import RANKS, missed_by_rank

MISSED_KWH = 1e-6
BOTH_KW = 1e-6
RANK_GAP = 1e-5
# Of the time left: what the relaxed tree may use before the full one starts, and each rank of wishes.
RELAXED_SHARE = 0.9
RANK_SHARE = 0.4
MISMATCH = 1e-4


def solve_milp(problem: SiteProblem, *, gap: float, time_limit: float, progress: Progress | None = None) -> Schedule:
    """Return the cheapest plan, proven within the relative `gap`, or the best known after `time_limit` seconds.

    First every wish is taken as a hard limit. Where that leaves no plan, the wishes yield rank by rank: the least
    missed energy of each rank is found and kept, and then the goal is minimised. Should the time end before any plan
    is found, the uncontrolled plan is the answer (solver "uncontrolled"), with its distance to the bound.

    Raises:
        SolverError: when HiGHS ends for another reason than optimality or time, or contradicts the plan's own figures.
    """
    started = time.perf_counter()
    _tell(progress, "build")
    site = formulate(problem)
    program = Program(site.model)
    built = time.perf_counter()
    _tell(progress, "solve")
    search = _Search(program, site, gap=gap, deadline=built + time_limit, progress=progress)
    answer = search.cheapest()
    seconds = {"build": built - started, "solve": time.perf_counter() - built}
    if answer.values is None:
        return _without_a_plan(problem, answer, seconds)
    schedule = judged(
        problem,
        _read(problem, site, program, answer.values),
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
        self.ranks = [program.places(variable for wish, variable in site.missed if wish in rank) for rank in RANKS]
        self.most_missed = program.high.copy()

    def cheapest(self) -> Answer:
        """Return the plan of least goal among those that miss the wishes least, rank by rank."""
        for rank in self.ranks:
            self.program.high[rank] = 0.0
        answer = self._solve(self.program.goal, gap=self.gap)
        return self._with_misses() if answer.infeasible else answer

    def _with_misses(self) -> Answer:
        for rank in self.ranks:
            self.program.high[rank] = self.most_missed[rank]
        timed_out, best = False, None
        for rank in self.ranks:
            if best is None or best[rank].sum() > MISSED_KWH:
                missed = np.zeros(len(self.program.columns))
                missed[rank] = 1.0
                answer = self._solve(missed, gap=RANK_GAP, share=RANK_SHARE, start=best)
                timed_out |= answer.timed_out
                best = best if answer.values is None else answer.values
            if best is None:
                return Answer(values=None, bound=-math.inf, timed_out=True)
            self.program.high[rank] = np.maximum(best[rank], 0.0)
        answer = self._solve(self.program.goal, gap=self.gap, start=best)
        return replace(
            answer,
            values=best if answer.values is None else answer.values,
            timed_out=timed_out or answer.timed_out or answer.values is None,
        )

    def _solve(self, objective: Series, *, gap: float, share: float = 1.0, start: Series | None = None) -> Answer:
        """Solve with the exclusivity binaries relaxed; bring them in only if the plan does two opposite things.

        The relaxed optimum is a lower bound, so a plan that keeps the exclusivity is optimal for the full model.
        """
        deadline = time.perf_counter() + share * (self.deadline - time.perf_counter())
        linear = self.program.relaxed(objective)
        if linear.infeasible:
            return linear
        relaxed = Answer(values=None, bound=linear.bound)
        if linear.values is None or self._exclusive(linear.values):
            self.program.integer[self.binary] = False
            relaxed = self._tree(objective, gap, deadline, start, share=RELAXED_SHARE if len(self.binary) else 1.0)
            self.program.integer[self.binary] = True
            if relaxed.infeasible or (relaxed.values is not None and self._exclusive(relaxed.values)):
                return self._polished(objective, relaxed)
        known = self._polished(objective, relaxed).values
        full = self._tree(objective, gap, deadline, start if known is None else known)
        answer = self._polished(objective, replace(full, bound=max(full.bound, relaxed.bound)))
        return replace(answer, values=known if answer.values is None else answer.values)

    def _tree(self, objective: Series, gap: float, deadline: float, start: Series | None, share: float = 1.0) -> Answer:
        left = share * (deadline - time.perf_counter())
        answer = self.program.solve(objective, gap=gap, time_limit=left, start=start, progress=self.progress)
        if answer.values is None and not answer.timed_out and not answer.infeasible:
            raise SolverError(f"HiGHS ended with status {answer.status!r} and no plan")
        return answer

    def _exclusive(self, values: Series) -> bool:
        return bool(np.all(np.minimum(values[self.one], values[self.other]) <= BOTH_KW))

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
        if polished is None and not self._exclusive(answer.values):
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


def _read(problem: SiteProblem, site: SiteModel, program: Program, values: Series) -> dict[str, DeviceSeries]:
    program.load(values)
    return {
        device.name: device.read(getattr(site.model, f"device_{index}"), problem.horizon)
        for index, device in enumerate(problem.devices)
    }


def _without_a_plan(problem: SiteProblem, answer: Answer, seconds: dict[str, float]) -> Schedule:
    idle = baseline(problem)
    # A bound on plans that hold every wish says nothing about one that does not.
    bound = -math.inf if idle.unmet else min(answer.bound, idle.objective_eur)
    return replace(
        idle, status="time_limit", bound_eur=bound, gap=relative_gap(idle.objective_eur, bound), seconds=seconds
    )
