"""What every heuristic does around its own algorithm: guides, start, search, refinement, last check."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Protocol

import numpy as np

from optimization.engine.baseline import baseline
from optimization.engine.errors import SolverError
from optimization.engine.evaluate import judged, relative_gap
from optimization.engine.guides import guide_from_series, leaning
from optimization.engine.heuristics.dispatch import MISSED_DIGITS, Bounds
from optimization.engine.heuristics.genome import Genome, genome_of, rounded_guides
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.heuristics.planner import Candidate, Planner
from optimization.engine.heuristics.starts import Population
from optimization.engine.highs import Progress
from optimization.engine.horizon import Horizon
from optimization.engine.previous import Previous, moved_to
from optimization.engine.problem import SiteProblem
from optimization.engine.rounding import promising_changes
from optimization.engine.schedule import Schedule
from optimization.engine.series import Series
from optimization.engine.topology import Site
from optimization.engine.verify import verify
from optimization.engine.wishes import missed_by_rank

MOST_TRIALS = 60
LEAST_GAIN = 1e-7
MISMATCH = 1e-4
SAME_EUR = 1e-6
# A search ends when this many generations brought nothing.
IDLE_GENERATIONS = 20
LEAST_BLOCKS = 24
# Shares of the plans to look at after which the start is no longer refined, and after which evolution ends.
START_SHARE = 0.3
EVOLUTION_SHARE = 0.8


class Algorithm(Protocol):
    """An evolutionary algorithm over genomes, asked generation by generation."""

    def ask(self) -> Population | None:
        """Return the genomes of the next generation, one per row; None at its end."""

    def tell(self, worth_eur: Series, violation: Series) -> None:
        """Take what the genomes asked for last are worth; less is better, violation first."""


# Makes an algorithm for a genome that starts from these genes, with this seed.
AlgorithmMaker = Callable[[Genome, Population, int], Algorithm]


def search(
    problem: SiteProblem,
    *,
    solver: str,
    make: AlgorithmMaker,
    gap: float,
    time_limit: float,
    progress: Progress | None = None,
    options: SearchOptions | None = None,
    previous: Previous | None = None,
) -> Schedule:
    """Return the best plan found within `time_limit` seconds, with its distance to the relaxation's bound.

    Status is "optimal" within `gap` of the bound, else "time_limit" or "heuristic". A site without any either/or
    that matters is planned by the linear programme alone.

    Raises:
        SolverError: when the model contradicts the plan's own figures.
    """
    started = time.perf_counter()
    _tell(progress, "build", None)
    planner = Planner(Site(problem), options or SearchOptions(), deadline=started + time_limit, previous=previous)
    built = time.perf_counter()
    _tell(progress, "solve", None)
    best = Search(planner, make, gap, progress).best()
    if best is not None:
        best = replace(best, outcome=planner.dispatch.polished(best.outcome))
    seconds = {"build": built - started, "solve": time.perf_counter() - built}
    return _schedule(planner, best, solver, gap, seconds)


def block_steps(horizon: Horizon, options: SearchOptions) -> int:
    """Return how many steps share a gene; a short horizon is decided more finely."""
    wanted = round(options.block_minutes / (horizon.step_hours * 60))
    return max(1, min(wanted, horizon.count // LEAST_BLOCKS))


def _tell(progress: Progress | None, phase: str, gap: float | None) -> None:
    if progress is not None:
        progress(phase, gap)


class Search:
    """One search: what all heuristics share around their algorithm."""

    def __init__(self, planner: Planner, make: AlgorithmMaker, gap: float, progress: Progress | None) -> None:
        self.planner, self.make, self.gap, self.progress = planner, make, gap, progress
        self.random = np.random.default_rng(planner.options.seed)

    def best(self) -> Candidate | None:
        """Return the best candidate of guides, search and refinement."""
        contents = self.planner.options.extra_cost is not None
        guides = list(self.guides())
        genome = self.genome(guides)
        for index in range(len(guides)):
            self.planner.candidate(genome.bounds(genome.as_guide(index)))
        self._refine(until=START_SHARE)
        if self.planner.best is not None:
            best = leaning(self.planner.compiled, self.planner.best.outcome.values)
            # The first guide leaves batteries free; with contents it is there again, by its bands.
            guides = [best, best, guides[-1]] if contents else [best, guides[-1]]
        genome = self.genome(guides, contents=contents)
        if len(genome.sizes) and not self._good_enough:
            self._evolve(genome, until=EVOLUTION_SHARE)
            self._refine(until=1.0)
        return self.planner.best

    def guides(self) -> Iterator[Series]:
        """Yield the plans to start from: the relaxation's, rounded, the uncontrolled one, and the last one if given."""
        planner, problem = self.planner, self.planner.site.problem
        if planner.relaxed is None:
            raise SolverError("the linear relaxation has no plan")
        yield from rounded_guides(planner.compiled, planner.filled, planner.relaxed)
        idle = baseline(problem).devices
        yield guide_from_series(planner.site, planner.compiled, idle)
        if planner.previous is not None:
            last = moved_to(problem, planner.previous, idle)
            yield guide_from_series(planner.site, planner.compiled, last)

    def genome(self, guides: Sequence[Series], *, contents: bool = False) -> Genome:
        """Return the genome around guides, with every either/or that a plan has left open so far.

        With `contents` it also says what batteries hold.
        """
        planner = self.planner
        return genome_of(
            planner.site,
            planner.compiled,
            planner.filled,
            guides=guides,
            contested=planner.dispatch.contested,
            block=block_steps(planner.site.problem.horizon, planner.options),
            contents=contents,
        )

    @property
    def _open_gap(self) -> float:
        best = self.planner.best
        return math.inf if best is None or any(best.missed) else relative_gap(best.worth_eur, self.planner.bound_eur)

    @property
    def _good_enough(self) -> bool:
        return self._open_gap <= self.gap

    def _evolve(self, genome: Genome, *, until: float) -> None:
        planner = self.planner
        starts = genome.starts(planner.options.population, self.random)
        algorithm = self.make(genome, starts, planner.options.seed)
        idle, before = 0, planner.best
        while idle < IDLE_GENERATIONS and not planner.spent(until) and not self._good_enough:
            asked = algorithm.ask()
            if asked is None:
                return
            worth, violation = planner.judge(genome, asked)
            algorithm.tell(worth, violation)
            idle = idle + 1 if planner.best is before else 0
            before = planner.best
            _tell(self.progress, "solve", self._open_gap)

    def _refine(self, *, until: float) -> None:
        """Take the first change of one decision that betters the best plan, until none of those tried does."""
        planner = self.planner
        for _ in range(MOST_TRIALS):
            best = planner.best
            if best is None or self._good_enough or planner.spent(until):
                return
            trials = islice(chain(self._other_runs(best), self._other_ways(best)), MOST_TRIALS)
            if not any(self._betters(best, bounds, until) for bounds in trials):
                return

    def _betters(self, best: Candidate, bounds: Bounds, until: float) -> bool:
        trial = None if self.planner.spent(until) else self.planner.candidate(bounds)
        return trial is not None and trial.key < (best.missed, best.worth_eur - LEAST_GAIN * abs(best.worth_eur))

    def _other_runs(self, best: Candidate) -> Iterator[Bounds]:
        """Yield other runs and rests whose first-order effect is a gain, the most promising first."""
        compiled, filled = self.planner.compiled, self.planner.filled
        states, reduced = np.round(best.outcome.values), best.outcome.reduced
        for change in promising_changes(compiled, filled, states, reduced)[: MOST_TRIALS // 2]:
            low, high = best.decided[0].copy(), best.decided[1].copy()
            low[change.columns] = high[change.columns] = change.state
            yield low, high

    def _other_ways(self, best: Candidate) -> Iterator[Bounds]:
        """Yield plans in which one process starts, or one either/or goes, another way."""
        values = leaning(self.planner.compiled, best.outcome.values)
        genome = self.genome([values, values], contents=self.planner.options.extra_cost is not None)
        neighbours = genome.neighbours(genome.as_guide(1))
        for index in self.random.permutation(len(neighbours)):
            yield genome.bounds(neighbours[index])


def _schedule(planner: Planner, best: Candidate | None, solver: str, gap: float, seconds: dict[str, float]) -> Schedule:
    problem, options = planner.site.problem, planner.options
    ready = min(_ready_plans(planner, solver, seconds), key=_key)
    if best is None or _key(ready) < best.key:
        return ready
    series = planner.series(best.outcome)
    bound = planner.bound_eur
    if any(best.missed):
        bound = planner.dispatch.bound_with_misses(best.outcome) + options.bound_shift_eur
    plan = judged(problem, series, solver=solver, status="heuristic", bound_eur=bound, seconds=seconds)
    if abs(plan.objective_eur - best.outcome.goal) > MISMATCH * (1 + abs(best.outcome.goal)):
        figures = f"{plan.objective_eur:g} by its series but {best.outcome.goal:g} by the model"
        raise SolverError(f"the plan is worth {figures}")
    plan = with_extra(plan, options.extra_eur(problem, series), bound)
    least_missed = planner.relaxed is not None and best.missed <= planner.relaxed.missed
    if least_missed and plan.gap <= gap:
        return replace(plan, status="optimal")
    return replace(plan, status="time_limit" if planner.out_of_time else "heuristic")


def _ready_plans(planner: Planner, solver: str, seconds: dict[str, float]) -> Iterator[Schedule]:
    """Yield answers that need no search: the uncontrolled plan and, for the same horizon and sound, the last one."""
    problem, options = planner.site.problem, planner.options
    expected = {device.name: device.quantities for device in problem.devices}
    known, last = [baseline(problem).devices], planner.previous
    if last is not None and last.horizon == problem.horizon:
        same = {name: frozenset(series) for name, series in last.devices.items()} == expected
        known += [last.devices] if same else []
    status = "time_limit" if planner.out_of_time else "heuristic"
    for devices in known:
        plan = judged(problem, devices, solver=solver, status=status, bound_eur=-math.inf, seconds=seconds)
        if devices is known[0] or not verify(problem, plan):
            bound = -math.inf if plan.unmet else planner.bound_eur
            yield with_extra(plan, options.extra_eur(problem, devices), bound)


def _key(plan: Schedule) -> tuple[tuple[float, ...], float]:
    return tuple(round(kwh, MISSED_DIGITS) for kwh in missed_by_rank(plan.unmet)), plan.objective_eur + SAME_EUR


def with_extra(plan: Schedule, extra_eur: float, bound_eur: float) -> Schedule:
    """Return the plan judged with an extra cost; the bound is one of the whole."""
    objective = plan.objective_eur + extra_eur
    bound = min(bound_eur, objective)
    return replace(
        plan,
        objective_eur=objective,
        extra_eur=extra_eur,
        bound_eur=bound,
        gap=relative_gap(objective, bound),
    )
