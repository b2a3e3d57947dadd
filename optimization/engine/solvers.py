"""The solvers by name; a new solver is one file and one line here."""

from collections.abc import Callable

from optimization.engine.checks import require_between
from optimization.engine.errors import ProblemError, SolverError
from optimization.engine.highs import Progress
from optimization.engine.milp import solve_milp
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.engine.verify import verify

SOLVERS: dict[str, Callable[..., Schedule]] = {"milp": solve_milp}


def solve(
    problem: SiteProblem,
    *,
    solver: str = "milp",
    gap: float = 1e-4,
    time_limit: float = 60.0,
    progress: Progress | None = None,
) -> Schedule:
    """Return a verified plan for `problem`.

    Args:
        problem: the site, its devices, prices and limits over a horizon.
        solver: one of `SOLVERS`.
        gap: relative distance between cost and proven bound that is good enough, 0 or more.
        time_limit: seconds after which the best plan so far is taken, with status "time_limit".
        progress: called with a phase and, while a tree is searched, its gap.

    Raises:
        ProblemError: for an unknown solver, a negative gap or no time at all.
        SolverError: when the solver fails or its plan breaks physics.
    """
    if solver not in SOLVERS:
        raise ProblemError("solver", solver, ", ".join(SOLVERS))
    require_between("gap", gap, 0)
    require_between("time_limit", time_limit, 0, above=True)
    schedule = SOLVERS[solver](problem, gap=gap, time_limit=time_limit, progress=progress)
    violations = verify(problem, schedule)
    if violations:
        raise SolverError(f"the plan breaks physics and was thrown away: {'; '.join(map(str, violations[:3]))}")
    return schedule
