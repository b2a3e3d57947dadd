"""The scheduling engine: problems in, proven and verified plans out. No Django, no input or output."""

from optimization.engine.baseline import baseline
from optimization.engine.errors import ProblemError, SolverError
from optimization.engine.heuristics.front import front
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Emissions, GridConnection, Objective, Prices, SiteProblem
from optimization.engine.relaxation import warm_starts
from optimization.engine.schedule import Cost, Schedule, Unmet
from optimization.engine.solvers import SOLVERS, solve
from optimization.engine.verify import verify
from optimization.engine.violations import Violation

__all__ = [
    "SOLVERS",
    "Cost",
    "Emissions",
    "GridConnection",
    "Horizon",
    "Objective",
    "Prices",
    "ProblemError",
    "Schedule",
    "SearchOptions",
    "SiteProblem",
    "SolverError",
    "Unmet",
    "Violation",
    "baseline",
    "front",
    "solve",
    "verify",
    "warm_starts",
]
