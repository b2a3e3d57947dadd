"""Seconds and gap of every named scenario: `uv run python -m tests.benchmarks.scenarios [--time-limit 60]`."""

import argparse
import os
import sys
from datetime import date
from time import perf_counter
from zoneinfo import ZoneInfo

from flexmarket.engine.methods import quantify
from optimization.engine import Horizon, baseline, solve
from optimization.scenarios import SCENARIOS

ZONE = ZoneInfo("Europe/Berlin")
WINTER_DAY = date(2026, 1, 20)


def main() -> None:
    """Solve each scenario's sample day once and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gap", type=float, default=1e-4)
    parser.add_argument("--time-limit", type=float, default=60.0)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, gap {options.gap:g}, limit {options.time_limit:g} s")
    print(f"{'scenario':<18} {'build s':>8} {'solve s':>8} {'offers s':>9} {'gap':>9}  {'status':<11} {'cost':>9} {'idle':>9}")
    horizon = Horizon.market_day(WINTER_DAY, ZONE)
    for name, scenario in SCENARIOS.items():
        problem = scenario.problem(scenario.sample_series(horizon, ZONE), horizon, ZONE)
        plan = solve(problem, gap=options.gap, time_limit=options.time_limit)
        started = perf_counter()
        quantify(problem, plan)
        offers = perf_counter() - started
        print(
            f"{name:<18} {plan.seconds['build']:8.3f} {plan.seconds['solve']:8.3f} {offers:9.3f} {plan.gap:9.1e}"
            f"  {plan.status:<11} {plan.cost.total_eur:9.2f} {baseline(problem).cost.total_eur:9.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
