"""Solver "ga": a genetic algorithm over decisions, with the exact linear dispatch inside."""

from optimization.engine.heuristics.genome import Genome
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.heuristics.search import Algorithm, search
from optimization.engine.heuristics.starts import Population
from optimization.engine.highs import Progress
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule


def solve_ga(
    problem: SiteProblem,
    *,
    gap: float,
    time_limit: float,
    progress: Progress | None = None,
    options: SearchOptions | None = None,
) -> Schedule:
    """Return the best plan that a genetic algorithm finds (docs/heuristics.md), as `search` reports it."""
    return search(
        problem,
        solver="ga",
        make=_genetic_algorithm,
        gap=gap,
        time_limit=time_limit,
        progress=progress,
        options=options or SearchOptions(),
    )


def _genetic_algorithm(genome: Genome, starts: Population, seed: int) -> Algorithm:
    """Return a GA: tournaments, crossover and mutation by stretches of the horizon."""
    # pymoo takes a second to import; whoever solves otherwise does not pay for it.
    from pymoo.algorithms.soo.nonconvex.ga import GA

    from optimization.engine.heuristics.evolution import Evolution, WindowCrossover, WindowMutation

    algorithm = GA(
        pop_size=len(starts),
        sampling=starts,
        crossover=WindowCrossover(genome.lanes, prob=0.8),
        mutation=WindowMutation(genome.lanes, prob=0.8),
        eliminate_duplicates=True,
    )
    return Evolution(algorithm, genome.sizes, seed=seed, kind=int)
