"""Seconds and gap of every named scenario: `uv run python -m tests.benchmarks.scenarios [--time-limit 60]`."""

import argparse
import os
import platform
from datetime import date
from time import perf_counter
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from flexmarket.engine.methods import quantify
from optimization.engine import Horizon, baseline, solve
from optimization.scenarios import SCENARIOS

ZONE = ZoneInfo("Europe/Berlin")
WINTER_DAY = date(2026, 1, 20)


def main() -> None:
    """Solve each scenario's sample day once and show a row for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gap", type=float, default=1e-4)
    parser.add_argument("--time-limit", type=float, default=60.0)
    options = parser.parse_args()
    horizon = Horizon.market_day(WINTER_DAY, ZONE)
    title = f"{os.cpu_count()} cores, Python {platform.python_version()}, gap {options.gap:g}"
    table = Table("scenario", "build s", "solve s", "offers s", "gap", "status", "cost EUR", "idle EUR", title=title)
    for name, scenario in SCENARIOS.items():
        problem = scenario.problem(scenario.sample_series(horizon, ZONE), horizon, ZONE)
        plan = solve(problem, gap=options.gap, time_limit=options.time_limit)
        started = perf_counter()
        quantify(problem, plan)
        seconds = (plan.seconds["build"], plan.seconds["solve"], perf_counter() - started)
        costs = (plan.cost.total_eur, baseline(problem).cost.total_eur)
        figures = [*(f"{value:.3f}" for value in seconds), f"{plan.gap:.1e}", plan.status]
        table.add_row(name, *figures, *(f"{cost:.2f}" for cost in costs))
    Console().print(table)


if __name__ == "__main__":
    main()
