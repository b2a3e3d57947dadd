"""Solver "pso": a particle swarm over decisions, with the exact linear dispatch inside."""

from optimization.engine.heuristics.genome import Genome
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.heuristics.search import Algorithm, search
from optimization.engine.heuristics.starts import Population
from optimization.engine.highs import Progress
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule


def solve_pso(
    problem: SiteProblem,
    *,
    gap: float,
    time_limit: float,
    progress: Progress | None = None,
    options: SearchOptions | None = None,
) -> Schedule:
    """Return the best plan that a particle swarm finds (docs/heuristics.md), as `search` reports it."""
    return search(
        problem,
        solver="pso",
        make=_swarm,
        gap=gap,
        time_limit=time_limit,
        progress=progress,
        options=options or SearchOptions(),
    )


def _swarm(genome: Genome, starts: Population, seed: int) -> Algorithm:
    """Return a swarm whose particles fly between the alternatives of each gene; a position means the one it lies in."""
    # pymoo takes a second to import; whoever solves otherwise does not pay for it.
    from pymoo.algorithms.soo.nonconvex.pso import PSO

    from optimization.engine.heuristics.evolution import Evolution

    algorithm = PSO(pop_size=len(starts), sampling=starts + 0.5)
    return Evolution(algorithm, genome.sizes, seed=seed, kind=float)
