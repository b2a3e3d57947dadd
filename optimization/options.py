"""What a run may be told beyond solver, gap and time: its goal, how a heuristic searches, and how careful it is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from optimization.caution import CAUTION
from optimization.engine import ProblemError
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.problem import Objective
from optimization.engine.solvers import HEURISTICS
from optimization.problems import SiteInputs

Options = Mapping[str, Any]
GOAL = ("cost_weight", "co2_eur_per_kg")
SEARCH = ("seed", "evaluations", "population", "block_minutes")
# Beyond these a search takes longer than any job may.
MOST = {"seed": 2**31 - 1, "evaluations": 1_000_000, "population": 1000, "block_minutes": 1440}
ALLOWED = ", ".join((*GOAL, *SEARCH, *CAUTION))


def checked(options: Options, solver: str) -> dict[str, Any]:
    """Return the options that were given (None counts as not given), as a job stores them.

    Raises:
        ProblemError: names the option, its value and what is allowed.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name not in (*GOAL, *SEARCH, *CAUTION):
            raise ProblemError(f"options.{name}", value, ALLOWED)
        if name in SEARCH and solver not in HEURISTICS:
            raise ProblemError(
                f"options.{name}", value, f"nothing for solver {solver}; for {', '.join(HEURISTICS)} only"
            )
        if name in MOST and isinstance(value, int | float) and value > MOST[name]:
            raise ProblemError(f"options.{name}", value, f"at most {MOST[name]}")
    _check_caution(given)
    _goal_of(given)
    search_of(given)
    return given


def _check_caution(given: Options) -> None:
    for name, (least, most) in CAUTION.items():
        value = given.get(name, least)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            raise ProblemError(f"options.{name}", value, f"{least:g} to {most:g}")


def with_goal(inputs: SiteInputs, options: Options) -> SiteInputs:
    """Return the inputs of a site with the goal of `options`, if any."""
    goal = _goal_of(options)
    return inputs if goal is None else replace(inputs, objective=goal)


def _goal_of(options: Options) -> Objective | None:
    given = {name: options[name] for name in GOAL if name in options}
    return Objective(**given) if given else None


def search_of(options: Options) -> SearchOptions | None:
    """Return how a heuristic shall search; None where nothing was said."""
    given = {name: options[name] for name in SEARCH if name in options}
    return SearchOptions(**given) if given else None
