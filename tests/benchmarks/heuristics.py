"""Cost and seconds of the heuristics beside the exact solver: `uv run python -m tests.benchmarks.heuristics`.

Every row plans the same random sites with each solver. "start" is the heuristic's best guide before any search; the
percentages are how much dearer than the exact plan (median, worst) the sites are that miss their wishes equally; the
last column counts the others.
"""

import argparse
import os
import platform
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from optimization.engine import Schedule, SearchOptions, SiteProblem, solve
from optimization.engine.wishes import missed_by_rank
from tests.optimization.engine.hard_colonies import HARD_COLONIES
from tests.optimization.engine.mixes import MIXES

SOLVERS = ("start", "ga", "pso")
SAME_KWH = 1e-2


@dataclass(frozen=True)
class Run:
    """A plan and the seconds it took."""

    plan: Schedule
    seconds: float


def main() -> None:
    """Plan the sites of every mix, and of the colonies that need their diesel, and show a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=3, help="random sites per row")
    parser.add_argument("--evaluations", type=int, default=800, help="plans that a heuristic looks at")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds per plan")
    asked = parser.parse_args()
    title = f"{os.cpu_count()} cores, Python {platform.python_version()}, {asked.sites} sites, gap 1e-4"
    table = Table("site", "milp s", *(f"{name} % above" for name in SOLVERS), "ga s", "pso s", title=title)
    table.add_column("miss otherwise (start, ga, pso)")
    for name, make in (MIXES | HARD_COLONIES).items():
        sites = [make(np.random.default_rng(seed)) for seed in range(asked.sites)]
        table.add_row(name, *_row(sites, asked))
    Console(width=140).print(table)


def _row(sites: list[SiteProblem], asked: argparse.Namespace) -> list[str]:
    exact = [_run(site, "milp", None, asked.time_limit) for site in sites]
    start, full = SearchOptions(evaluations=1), SearchOptions(evaluations=asked.evaluations)
    runs = {
        "start": [_run(site, "ga", start, asked.time_limit) for site in sites],
        "ga": [_run(site, "ga", full, asked.time_limit) for site in sites],
        "pso": [_run(site, "pso", full, asked.time_limit) for site in sites],
    }
    above = [_above(exact, runs[name]) for name in SOLVERS]
    seconds = [f"{median(run.seconds for run in runs[name]):.2f}" for name in ("ga", "pso")]
    others = [sum(not _equal(*pair) for pair in zip(exact, runs[name], strict=True)) for name in SOLVERS]
    return [f"{median(run.seconds for run in exact):.2f}", *above, *seconds, ", ".join(map(str, others))]


def _run(site: SiteProblem, solver: str, options: SearchOptions | None, time_limit: float) -> Run:
    started = perf_counter()
    plan = solve(site, solver=solver, time_limit=time_limit, options=options)
    return Run(plan, perf_counter() - started)


def _equal(exact: Run, found: Run) -> bool:
    missed = (missed_by_rank(run.plan.unmet) for run in (exact, found))
    return bool(np.allclose(*missed, atol=SAME_KWH))


def _above(exact: list[Run], found: list[Run]) -> str:
    """Return the median and the worst percentage above the exact plans, where both miss the same."""
    pairs = [(one.plan, other.plan) for one, other in zip(exact, found, strict=True) if _equal(one, other)]
    shares = [100 * (other.objective_eur / one.objective_eur - 1) for one, other in pairs]
    return f"{median(shares):.2f} ({max(shares):.2f})" if shares else "-"


if __name__ == "__main__":
    main()
