"""Solver "pso": a particle swarm over decisions, with the exact linear dispatch inside."""

from functools import partial

from optimization.engine.heuristics.genome import Genome
from optimization.engine.heuristics.search import Algorithm, search
from optimization.engine.heuristics.starts import Population


def _swarm(genome: Genome, starts: Population, seed: int) -> Algorithm:
    """Return a swarm whose particles fly between the alternatives of each gene; a position means the one it lies in."""
    # pymoo takes a second to import; whoever solves otherwise does not pay for it.
    from pymoo.algorithms.soo.nonconvex.pso import PSO

    from optimization.engine.heuristics.evolution import Evolution

    algorithm = PSO(pop_size=len(starts), sampling=starts + 0.5)
    return Evolution(algorithm, genome.sizes, seed=seed, kind=float)


solve_pso = partial(search, solver="pso", make=_swarm)
