"""Solver "ga": a genetic algorithm over decisions, with the exact linear dispatch inside."""

from functools import partial

from optimization.engine.heuristics.genome import Genome
from optimization.engine.heuristics.search import Algorithm, search
from optimization.engine.heuristics.starts import Population


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


solve_ga = partial(search, solver="ga", make=_genetic_algorithm)
