"""What exact offers cost to make: `uv run python -m tests.benchmarks.exact_offers [--sites 2] [--anew 5]`.

Per mix of sites (96 quarter-hours, durations of 1, 2, 4 and 8 steps): CPU seconds for the offers of all devices and of
the site, and per offer; then, in the same process, the plain Pyomo model built anew for `--anew` of these offers, with
the call as constraints, solved once by HiGHS. Last the mean seconds of an activation.
"""

import argparse
import os
import platform
from time import process_time

import numpy as np
from rich.console import Console
from rich.table import Table

from flexmarket.engine.exact import activate, offers_of_site
from flexmarket.engine.offer import Offer
from optimization.engine import Schedule, SiteProblem, solve
from tests.flexmarket.engine.exact.by_pyomo import cost_with_call
from tests.optimization.engine import mixes

MIXES = ("pv_battery", "pv_battery_car", "heat_pump_house", "colony", "everything")


def main() -> None:
    """Print a row per mix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=2)
    parser.add_argument("--anew", type=int, default=5)
    parser.add_argument("--mix", action="append", choices=MIXES)
    options = parser.parse_args()
    title = f"{os.cpu_count()} cores, Python {platform.python_version()}, CPU time per site"
    table = Table("mix", "offers", "all s", "per offer ms", "anew ms", "ratio", "activation ms", title=title)
    for mix in options.mix or MIXES:
        table.add_row(mix, *_figures(mix, options.sites, options.anew))
    Console().print(table)


def _figures(mix: str, sites: int, anew: int) -> list[str]:
    made = seconds = 0.0
    fresh: list[float] = []
    calls: list[float] = []
    for seed in range(sites):
        random = np.random.default_rng(seed)
        problem: SiteProblem = getattr(mixes, mix)(random)
        schedule = solve(problem, gap=1e-3, time_limit=10)
        started = process_time()
        found = offers_of_site(problem, schedule)
        seconds += process_time() - started
        offers = [offer for of_one in (*found.devices.values(), found.site) for offer in of_one]
        made += len(offers)
        for place in random.choice(len(offers), size=min(anew, len(offers)), replace=False):
            fresh.append(_seconds_anew(problem, schedule, offers[place]))
            started = process_time()
            activate(problem, schedule, offers[place])
            calls.append(process_time() - started)
    each, others = 1000 * seconds / made, 1000 * float(np.mean(fresh))
    figures = [f"{made / sites:.0f}", f"{seconds / sites:.1f}", f"{each:.1f}", f"{others:.0f}"]
    return [*figures, f"{others / each:.0f}", f"{1000 * float(np.mean(calls)):.0f}"]


def _seconds_anew(problem: SiteProblem, schedule: Schedule, offer: Offer) -> float:
    started = process_time()
    cost_with_call(problem, schedule, offer, offer.power_kw)
    return process_time() - started


if __name__ == "__main__":
    main()
