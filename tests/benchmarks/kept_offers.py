"""How many offers can be kept, by method: `uv run python -m tests.benchmarks.kept_offers [--minutes 60]`.

Every named scenario is planned for one winter day. An offer of `opentumflex` counts as kept where the device can hold
99 % of its power for the whole steps of its duration (at least one), and misses no wish afterwards. Every offer of
`exact` is activated in full.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from rich.console import Console
from rich.table import Table

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exact import OfferTerms, activate, offers_of_devices
from flexmarket.engine.exact.keeping import Keeper
from flexmarket.engine.methods import quantify
from flexmarket.engine.offer import Direction
from flexmarket.engine.table import FlexTable
from optimization.engine import Horizon, Schedule, SiteProblem, solve, verify
from optimization.scenarios import SCENARIOS

ZONE = ZoneInfo("Europe/Berlin")
WINTER_DAY = date(2026, 1, 20)
SHARE = 0.99
Counts = Counter[tuple[str, str, str]]


def planned(name: str, minutes: int) -> tuple[SiteProblem, Schedule]:
    """Return the sample day of a scenario and its plan."""
    scenario = SCENARIOS[name]
    horizon = Horizon.market_day(WINTER_DAY, ZONE, timedelta(minutes=minutes))
    problem = scenario.problem(scenario.sample_series(horizon, ZONE), horizon, ZONE)
    return problem, solve(problem, gap=1e-3, time_limit=10)


def count_kept(problem: SiteProblem, schedule: Schedule, terms: OfferTerms | None = None) -> Counts:
    """Return how many offers there are and how many cannot be kept, by (method, kind, "made" or "broken")."""
    found: Counts = Counter()
    keeper = Keeper(problem, schedule)
    for name, table in quantify(problem, schedule, "opentumflex").items():
        for direction, first, steps, power in _rows(table, problem.horizon.step_hours):
            found["opentumflex", table.kind, "made"] += 1
            kept = keeper.can_keep(name, direction, first, steps, SHARE * power)
            found["opentumflex", table.kind, "broken"] += not kept
    for offers in offers_of_devices(problem, schedule, terms).values():
        for offer in offers:
            found["exact", offers.kind, "made"] += 1
            try:
                found["exact", offers.kind, "broken"] += bool(verify(problem, activate(problem, schedule, offer)))
            except OfferError:
                found["exact", offers.kind, "broken"] += 1
    return found


def _rows(table: FlexTable, step_hours: float) -> Iterator[tuple[Direction, int, int, float]]:
    """Yield the offers of a table: direction, first step, whole steps and power in kW."""
    for direction in Direction:
        power = getattr(table, f"{direction}_power_kw")
        energy = getattr(table, f"{direction}_energy_kwh")
        for first in np.flatnonzero(energy > 0).tolist():
            steps = max(1, int(energy[first] / power[first] / step_hours + 1e-6))
            yield direction, first, steps, float(power[first])


def main() -> None:
    """Print a row per scenario and kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=15, help="length of a step")
    parser.add_argument("--scenario", action="append", choices=[*SCENARIOS], help="only these")
    options = parser.parse_args()
    table = Table("scenario", "kind", "opentumflex: made", "cannot be kept", "exact: made", "fail when activated")
    total: Counts = Counter()
    for name in options.scenario or SCENARIOS:
        found = count_kept(*planned(name, options.minutes))
        for kind in sorted({kind for _, kind, _ in found}):
            table.add_row(name, kind, *_cells(found, kind))
            for method, each, what in found:
                if each == kind:
                    total[method, "all", what] += found[method, each, what]
    table.add_section()
    table.add_row("all", "all", *_cells(total, "all"))
    Console().print(table)


def _cells(found: Counts, kind: str) -> list[str]:
    return [str(found[method, kind, what]) for method in ("opentumflex", "exact") for what in ("made", "broken")]


if __name__ == "__main__":
    main()
