"""What a schedule costs in CPU: `uv run python -m tests.benchmarks.engine mixes|growth|reference`.

`mixes` plans random sites of five mixes with the engine, and the same Pyomo model built anew for each site through
Pyomo's HiGHS interface and (where `glpsol` is installed) through GLPK, in turn and in one process. `growth` shows how
cost grows with steps and batteries. `reference` follows the gap of the reference's `apartment` over time; it needs
`../shared`.
"""

import argparse
import os
import platform
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from time import perf_counter, process_time

import highspy
import numpy as np
import pyomo.environ as pyo
from rich.console import Console
from rich.table import Table

from optimization.engine import Horizon, SiteProblem, solve, warm_starts
from optimization.engine.compiled import cache
from optimization.engine.devices import Battery
from optimization.engine.formulation import formulate
from optimization.engine.topology import Site
from optimization.scenarios import named_scenario
from optimization.scenarios.input_file import read_file
from tests.optimization.engine.mixes import MIXES
from tests.optimization.engine.reference import REFERENCE, ZONE

GAP = 1e-3
WARM_UP = 3
REFERENCE_DAY = date(2019, 12, 18)


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["mixes", "growth", "reference"])
    parser.add_argument("--sites", type=int, default=20, help="sites per mix that the engine plans")
    parser.add_argument("--slow-sites", type=int, default=5, help="of these, sites that are also built anew")
    parser.add_argument("--time-limit", type=float, default=60.0)
    options = parser.parse_args()
    title = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, gap {GAP:g}"
    tables = {"mixes": _mixes, "growth": _growth, "reference": _reference}
    table = tables[options.what](options)
    table.title = title
    Console(width=150).print(table)


def _mixes(options: argparse.Namespace) -> Table:
    table = Table(
        "mix", "engine ms", "median", "in HiGHS", "compile ms", "Pyomo + HiGHS ms", "x", "Pyomo + GLPK ms", "x"
    )
    for name, mix in MIXES.items():
        problems = [mix(np.random.default_rng(seed)) for seed in range(WARM_UP + options.sites)]
        compiling = sum(_cpu_ms(partial(cache.get, Site(problem).topology)) for problem in problems)
        for problem in problems[:WARM_UP]:
            solve(problem, gap=GAP)
        engine, in_highs = [], []
        for problem in problems[WARM_UP:]:
            with _highs_time() as spent, warm_starts():
                engine.append(_cpu_ms(partial(solve, problem, gap=GAP, time_limit=options.time_limit)))
            in_highs.append(1e3 * sum(spent))
        slow = problems[WARM_UP:][: options.slow_sites]
        row = [f"{np.mean(engine):.1f}", f"{np.median(engine):.1f}", f"{sum(in_highs) / sum(engine):.0%}"]
        row.append(f"{compiling / len({Site(problem).topology for problem in problems}):.0f}")
        ours = float(np.mean(engine))
        for solver in ("appsi_highs", "glpk"):
            cold = _cold_ms(slow, solver, options.time_limit)
            row += ["-", "-"] if cold is None else [f"{cold:.0f}", f"{cold / ours:.0f}"]
        table.add_row(name, *row)
    return table


def _cold_ms(problems: list[SiteProblem], solver: str, time_limit: float) -> float | None:
    """Return the mean CPU time of building and solving each site's Pyomo model anew; None without the solver."""
    if solver == "glpk" and shutil.which("glpsol") is None:
        return None
    return float(np.mean([_cpu_ms(partial(_cold, problem, solver, time_limit)) for problem in problems]))


def _cold(problem: SiteProblem, solver: str, time_limit: float) -> None:
    site = Site(problem)
    written = formulate(site.topology)
    written.fill(site.numbers)
    for part in written.parts:
        for _, missed in part.missed:
            missed.fix(0.0)
    if solver == "glpk":
        pyo.SolverFactory("glpk").solve(written.model, options={"mipgap": GAP, "tmlim": int(time_limit)})
        return
    highs = pyo.SolverFactory("appsi_highs")
    highs.highs_options = {"mip_rel_gap": GAP, "time_limit": time_limit, "threads": 1, "parallel": "off"}
    highs.solve(written.model, load_solutions=False)


def _cpu_ms(work: Callable[[], object]) -> float:
    """Return the CPU time of this process and the processes that it starts, ms."""

    def spent() -> float:
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    before = spent()
    work()
    return 1e3 * (spent() - before)


@contextmanager
def _highs_time() -> Iterator[list[float]]:
    """Collect the CPU seconds of each run of HiGHS."""
    spent: list[float] = []
    run = highspy.Highs.run

    def timed(highs: highspy.Highs) -> highspy.HighsStatus:
        started = process_time()
        status = run(highs)
        spent.append(process_time() - started)
        return status

    highspy.Highs.run = timed
    try:
        yield spent
    finally:
        highspy.Highs.run = run


def _growth(options: argparse.Namespace) -> Table:
    table = Table("steps", "batteries", "compile ms", "plan ms", "gap")
    for count in (96, 192, 672):
        _grow(table, MIXES["+ EV"](np.random.default_rng(0), count), count, 1, options)
    for batteries in (1, 5, 10, 20, 50):
        problem = MIXES["PV + battery"](np.random.default_rng(0))
        (battery,) = (device for device in problem.devices if isinstance(device, Battery))
        others = tuple(device for device in problem.devices if device is not battery)
        many = tuple(replace(battery, name=f"battery {number}") for number in range(batteries))
        _grow(table, replace(problem, devices=(*others, *many)), 96, batteries, options)
    return table


def _grow(table: Table, problem: SiteProblem, steps: int, batteries: int, options: argparse.Namespace) -> None:
    compiling = _cpu_ms(lambda: cache.get(Site(problem).topology))
    plans = []
    planning = _cpu_ms(lambda: plans.append(solve(problem, gap=GAP, time_limit=options.time_limit)))
    table.add_row(str(steps), str(batteries), f"{compiling:.0f}", f"{planning:.0f}", f"{plans[0].gap:.1e}")


def _reference(options: argparse.Namespace) -> Table:
    table = Table("time limit s", "seconds", "cost EUR", "bound EUR", "gap")
    scenario, horizon = named_scenario("apartment"), Horizon.market_day(REFERENCE_DAY, ZONE)
    problem = scenario.problem(read_file(REFERENCE / "input_data.csv").series, horizon, ZONE)
    limit = 1.0
    while limit <= options.time_limit:
        started = perf_counter()
        plan = solve(problem, gap=1e-4, time_limit=limit)
        seconds = perf_counter() - started
        table.add_row(
            f"{limit:g}", f"{seconds:.1f}", f"{plan.objective_eur:.4f}", f"{plan.bound_eur:.4f}", f"{plan.gap:.1e}"
        )
        if plan.status == "optimal":
            break
        limit *= 2
    return table


if __name__ == "__main__":
    main()
