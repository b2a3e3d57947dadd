"""Several objectives at once: the plans of which none is better in everything."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from optimization.engine.checks import require_between
from optimization.engine.errors import ProblemError, SolverError
from optimization.engine.evaluate import judged
from optimization.engine.guides import guide_from_series
from optimization.engine.heuristics.decisions import Genes
from optimization.engine.heuristics.dispatch import MISSED_DIGITS
from optimization.engine.heuristics.genome import Genome, genome_of
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.heuristics.planner import NO_PLAN, Candidate, Planner, violation
from optimization.engine.heuristics.search import IDLE_GENERATIONS, Algorithm, block_steps, with_extra
from optimization.engine.heuristics.starts import Population
from optimization.engine.milp import solve_milp
from optimization.engine.problem import Objective, SiteProblem
from optimization.engine.schedule import DeviceSeries, Schedule
from optimization.engine.series import Series
from optimization.engine.topology import Site
from optimization.engine.verify import verify
from optimization.engine.wishes import missed_by_rank

# What can be traded off, each the less the better.
MEASURES: dict[str, Callable[[Schedule], float]] = {
    "cost": lambda plan: plan.cost.total_eur,
    "co2": lambda plan: plan.cost.co2_kg,
    "peak": lambda plan: max(0.0, float(plan.grid_power_kw.max())),
    "extra": lambda plan: plan.extra_eur,
}
# Prices of CO2 between the cheapest and the cleanest plan, as multiples of what a kg costs from one to the other.
PRICES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
# The cleanest plan still minds its cost, so that it is not dearer than another one as clean.
LEAST_COST_WEIGHT = 1e-3
MILP_SHARE = 0.5
SAME = 1e-6


def front(
    problem: SiteProblem,
    objectives: Sequence[str] = ("cost", "co2"),
    *,
    gap: float = 1e-3,
    time_limit: float = 60.0,
    options: SearchOptions | None = None,
) -> tuple[Schedule, ...]:
    """Return verified plans of which none is better in all objectives, in the order of the first one.

    NSGA-II searches over the decisions of the site and a price of CO2 for the dispatch; it starts from the exact plans
    ("milp") for several such prices. Wishes come first: a plan that misses more is not part of the front.

    Args:
        problem: what is to be planned; its own objective decides nothing here but what `objective_eur` says.
        objectives: two or more of `MEASURES`: cost in EUR, CO2 in kg, the highest import in kW, the extra cost in EUR.
        gap: relative gap of the exact plans.
        time_limit: seconds, of which up to half for the exact plans.
        options: of the search; "extra" needs its `extra_cost`.

    Raises:
        ProblemError: for objectives that there are not, fewer than two of them, or one twice.
        SolverError: when a plan breaks physics.
    """
    options = options or SearchOptions()
    _check(objectives, options, gap, time_limit)
    started = time.perf_counter()
    deadline = started + time_limit
    exact = list(_exact_plans(problem, gap=gap, until=started + MILP_SHARE * time_limit))
    search = _Front(problem, objectives, exact, options, deadline)
    search.run()
    return search.schedules(time.perf_counter() - started)


def _check(objectives: Sequence[str], options: SearchOptions, gap: float, time_limit: float) -> None:
    known = [name for name in MEASURES if name != "extra" or options.extra_cost is not None]
    for name in objectives:
        if name not in known:
            raise ProblemError("objectives", repr(name), ", ".join(known))
    if len(set(objectives)) < 2 or len(set(objectives)) != len(objectives):
        raise ProblemError("objectives", list(objectives), f"two or more different ones of {', '.join(known)}")
    require_between("gap", gap, 0)
    require_between("time_limit", time_limit, 0, above=True)


@dataclass(frozen=True)
class _Exact:
    """A problem with a price of CO2, and its exact plan."""

    problem: SiteProblem
    plan: Schedule


def _exact_plans(problem: SiteProblem, *, gap: float, until: float) -> Iterator[_Exact]:
    cheapest = _exact(problem, Objective(), gap, until)
    yield cheapest
    cleanest = _exact(problem, Objective(cost_weight=LEAST_COST_WEIGHT, co2_eur_per_kg=1.0), gap, until)
    saved_kg = cheapest.plan.cost.co2_kg - cleanest.plan.cost.co2_kg
    dearer_eur = cleanest.plan.cost.total_eur - cheapest.plan.cost.total_eur
    if saved_kg <= SAME or dearer_eur <= SAME:
        return
    yield cleanest
    for multiple in PRICES:
        if time.perf_counter() >= until:
            return
        yield _exact(problem, Objective(co2_eur_per_kg=multiple * dearer_eur / saved_kg), gap, until)


def _exact(problem: SiteProblem, objective: Objective, gap: float, until: float) -> _Exact:
    priced = replace(problem, objective=objective)
    left = max(0.1, (until - time.perf_counter()) / 2)
    return _Exact(priced, solve_milp(priced, gap=gap, time_limit=left))


class _Front:
    """NSGA-II over genomes whose last gene chooses the price of CO2 that the dispatch sees."""

    def __init__(
        self,
        problem: SiteProblem,
        objectives: Sequence[str],
        exact: Sequence[_Exact],
        options: SearchOptions,
        deadline: float,
    ) -> None:
        self.problem, self.objectives, self.options = problem, objectives, options
        self.own = Planner(Site(problem), options, deadline=deadline)
        self.planners = [Planner(Site(each.problem), options, deadline=deadline) for each in exact]
        self.plans = [self._judged(each.plan.devices) for each in exact]
        self._plan_of: dict[Candidate, Schedule] = {}
        self.genome = self._genome([each.plan.devices for each in exact])

    def _genome(self, plans: Sequence[Mapping[str, DeviceSeries]]) -> Genome:
        for planner in self.planners:
            planner.dispatch.settled(planner.filled.low, planner.filled.high)
        return genome_of(
            self.own.site,
            self.own.compiled,
            self.own.filled,
            guides=[guide_from_series(self.own.site, self.own.compiled, plan) for plan in plans],
            contested=np.unique(np.concatenate([planner.dispatch.contested for planner in self.planners])),
            block=block_steps(self.problem.horizon, self.options),
            contents=self.options.extra_cost is not None,
        )

    def _judged(self, devices: Mapping[str, DeviceSeries]) -> Schedule:
        """Return the plan by its series: objective and bound as the problem itself wants them."""
        plan = judged(
            self.problem, devices, solver="nsga2", status="heuristic", bound_eur=self.own.bound_eur, seconds={}
        )
        bound = -math.inf if plan.unmet else self.own.bound_eur
        return with_extra(plan, self.options.extra_eur(self.problem, devices), bound)

    def run(self) -> None:
        """Search until the plans to look at, or the time, are used up."""
        sizes = np.append(self.genome.sizes, len(self.planners))
        lanes = [*self.genome.lanes, slice(len(sizes) - 1, len(sizes))]
        algorithm = _nsga2(sizes, lanes, self._starts(), self.options.seed, len(self.objectives))
        idle, known = 0, len(self.plans)
        while not self._spent and idle < IDLE_GENERATIONS:
            asked = algorithm.ask()
            if asked is None:
                return
            algorithm.tell(*self._measured(asked))
            idle = idle + 1 if len(self.plans) == known else 0
            known = len(self.plans)

    @property
    def _spent(self) -> bool:
        looked_at = sum(planner.looked_at for planner in self.planners)
        return self.own.out_of_time or looked_at >= self.options.evaluations

    def _starts(self) -> Population:
        random = np.random.default_rng(self.options.seed)
        starts = self.genome.starts(max(self.options.population, len(self.planners)), random)
        prices = random.integers(0, len(self.planners), len(starts))
        prices[: len(self.planners)] = np.arange(len(self.planners))
        return np.column_stack([starts, prices])

    def _measured(self, population: Population) -> tuple[Series, Series]:
        worth = np.full((len(population), len(self.objectives)), NO_PLAN)
        off = np.full(len(population), NO_PLAN)
        for row, genes in enumerate(population):
            found = None if self._spent else self.planners[genes[-1]].decoded(self.genome, genes[:-1])
            if found is not None:
                worth[row] = self._measures(self._plan(self.planners[genes[-1]], found))
                off[row] = violation(found.missed)
        return worth, off

    def _plan(self, planner: Planner, candidate: Candidate) -> Schedule:
        if candidate not in self._plan_of:
            polished = planner.dispatch.polished(candidate.outcome)
            self._plan_of[candidate] = self._judged(planner.series(polished))
            self.plans.append(self._plan_of[candidate])
        return self._plan_of[candidate]

    def _measures(self, plan: Schedule) -> list[float]:
        return [MEASURES[name](plan) for name in self.objectives]

    def schedules(self, seconds: float) -> tuple[Schedule, ...]:
        """Return the plans of which none is better in everything, verified."""
        missed = [tuple(round(kwh, MISSED_DIGITS) for kwh in missed_by_rank(plan.unmet)) for plan in self.plans]
        plans = [plan for plan, amounts in zip(self.plans, missed, strict=True) if amounts == min(missed)]
        measures = np.array([self._measures(plan) for plan in plans])
        order = np.lexsort(measures.T[::-1])
        chosen = [int(index) for index in order if not _dominated(measures[index], measures)]
        distinct = [
            index
            for place, index in enumerate(chosen)
            if not any(np.allclose(measures[index], measures[other], rtol=SAME) for other in chosen[:place])
        ]
        found = tuple(replace(plans[index], seconds={"solve": seconds}) for index in distinct)
        for plan in found:
            violations = verify(self.problem, plan)
            if violations:
                raise SolverError(f"a plan of the front breaks physics: {'; '.join(map(str, violations[:3]))}")
        return found


def _dominated(one: Series, all_measures: npt.NDArray[np.float64]) -> bool:
    """Tell whether another plan is as good in everything and clearly better in something."""
    tolerance = SAME * (1 + np.abs(one))
    no_worse = (all_measures <= one + tolerance * 1e-3).all(axis=1)
    better = (all_measures < one - tolerance).any(axis=1)
    return bool((no_worse & better).any())


def _nsga2(sizes: Genes, lanes: Sequence[slice], starts: Population, seed: int, objectives: int) -> Algorithm:
    # pymoo takes a second to import; whoever solves otherwise does not pay for it.
    from pymoo.algorithms.moo.nsga2 import NSGA2

    from optimization.engine.heuristics.evolution import Evolution, WindowCrossover, WindowMutation

    algorithm = NSGA2(
        pop_size=len(starts),
        sampling=starts,
        crossover=WindowCrossover(lanes, prob=0.8),
        mutation=WindowMutation(lanes, prob=0.8),
        eliminate_duplicates=True,
    )
    return Evolution(algorithm, sizes, seed=seed, kind=int, objectives=objectives)
