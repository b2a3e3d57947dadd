"""The solvers by name; a new solver is one file and one line here."""

from collections.abc import Callable

from optimization.engine.checks import require_between
from optimization.engine.errors import ProblemError, SolverError
from optimization.engine.ga import solve_ga
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.highs import Progress
from optimization.engine.milp import solve_milp
from optimization.engine.previous import Previous
from optimization.engine.problem import SiteProblem
from optimization.engine.pso import solve_pso
from optimization.engine.schedule import Schedule
from optimization.engine.verify import broken_physics

HEURISTICS: dict[str, Callable[..., Schedule]] = {"ga": solve_ga, "pso": solve_pso}
SOLVERS: dict[str, Callable[..., Schedule]] = {"milp": solve_milp, **HEURISTICS}


def solve(
    problem: SiteProblem,
    *,
    solver: str = "milp",
    gap: float = 1e-4,
    time_limit: float = 60.0,
    progress: Progress | None = None,
    options: SearchOptions | None = None,
    previous: Previous | None = None,
) -> Schedule:
    """Return a verified plan for `problem`.

    Args:
        problem: the site, its devices, prices and limits over a horizon.
        solver: one of `SOLVERS`.
        gap: relative distance between cost and proven bound that is good enough, 0 or more.
        time_limit: seconds after which the best plan so far is taken, with status "time_limit".
        progress: called with a phase and, while it searches, the gap.
        options: for a heuristic: its seed, how long it searches, an extra cost in Python.
        previous: a plan to start from, of this horizon or of one that overlaps it in steps of equal length.

    Raises:
        ProblemError: for an unknown solver, a negative gap, no time at all, or options for the solver "milp".
        SolverError: when the solver fails or its plan breaks physics.
    """
    if solver not in SOLVERS:
        raise ProblemError("solver", solver, ", ".join(SOLVERS))
    require_between("gap", gap, 0)
    require_between("time_limit", time_limit, 0, above=True)
    if options is not None and solver not in HEURISTICS:
        raise ProblemError("options", f"given for solver {solver}", f"None, or a solver of {', '.join(HEURISTICS)}")
    given = {} if options is None else {"options": options}
    schedule = SOLVERS[solver](problem, gap=gap, time_limit=time_limit, progress=progress, previous=previous, **given)
    violations = broken_physics(problem, schedule)
    if violations:
        raise SolverError(f"the plan breaks physics and was thrown away: {'; '.join(map(str, violations[:3]))}")
    return schedule
