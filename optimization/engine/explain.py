"""The reasons of a plan: its on/off states are held, the rest is planned once more, and the duals are read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from optimization.engine.compiled import Compiled, Filled, cache
from optimization.engine.formulation import TIGHTENING
from optimization.engine.guides import guide_from_series
from optimization.engine.problem import SiteProblem
from optimization.engine.reasons import Reasons, Worth, reasons_of_site
from optimization.engine.relaxation import relaxation_of
from optimization.engine.schedule import Schedule
from optimization.engine.series import Series
from optimization.engine.topology import Site
from optimization.engine.wishes import missed_by_rank

# What solver noise may add to the energy missed of a rank of wishes, kWh.
SLACK_KWH = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """What a kWh is worth in each step, and the reasons per step of the site and of each device by name."""

    worth: Worth
    site: Reasons
    devices: Mapping[str, Reasons]


def explain(problem: SiteProblem, plan: Schedule) -> Explanation | None:
    """Return why `plan` does what it does; None where its decisions leave the model no plan (as a rounded one may).

    Method: marginal cost pricing with the binaries at their planned values; O'Neill et al., "Efficient market-clearing
    prices in markets with nonconvexities", European Journal of Operational Research 164 (2005).
    """
    site = Site(problem)
    compiled = cache.get(site.topology)
    guide = guide_from_series(site, compiled, plan.devices)
    filled = _as_planned(compiled, compiled.fill(site.numbers), plan)
    relaxation = relaxation_of(compiled, elastic=True)
    if not relaxation.solve(filled, *_held(compiled, filled, guide)).found:
        return None
    worth = _worth(site, compiled, relaxation.duals())
    limits = problem.connection.import_limit_kw, problem.connection.export_limit_kw
    most_in, most_out = (np.inf if limit is None else limit for limit in limits)
    return Explanation(
        worth=worth,
        site=reasons_of_site(plan.grid_power_kw, worth, (most_in, most_out)),
        devices={
            device.name: device.reasons(plan.devices[device.name], worth, problem.horizon) for device in problem.devices
        },
    )


def _as_planned(compiled: Compiled, filled: Filled, plan: Schedule) -> Filled:
    """Return the site with the energy missed of each rank limited to what the plan misses.

    The rows that only tighten the relaxation go: the states are known, and these rows would take part of the worth.
    """
    row_low, row_high = filled.row_low.copy(), filled.row_high.copy()
    for name in TIGHTENING:
        rows = compiled.constraints[-1].get(name, np.zeros(0, dtype=np.int64))
        row_low[rows], row_high[rows] = -np.inf, np.inf
    for row, missed in zip(compiled.rank_rows, missed_by_rank(plan.unmet), strict=True):
        row_high[row] = missed + SLACK_KWH
    return replace(filled, row_low=row_low, row_high=row_high)


def _held(compiled: Compiled, filled: Filled, guide: Series) -> tuple[Series, Series]:
    """Return bounds that hold the plan's states, and of two opposites the one that the plan uses."""
    low, high = filled.low.copy(), filled.high.copy()
    _, one, other = compiled.exclusive.T
    low[compiled.states] = high[compiled.states] = np.round(guide[compiled.states])
    high[other[guide[one] > guide[other]]] = 0.0
    high[one[guide[other] > guide[one]]] = 0.0
    return low, high


def _worth(site: Site, compiled: Compiled, duals: Series) -> Worth:
    problem = site.problem
    hours, meter = problem.horizon.step_hours, compiled.constraints[-1]
    none = np.full(problem.horizon.count, np.nan)
    return Worth(
        electricity=duals[meter["electricity"]] / hours,
        heat=-duals[meter["heat"]] / hours if "heat" in meter else none,
        stored={
            device.name: -duals[rows["content"]]
            for device, rows in zip(site.devices, compiled.constraints, strict=False)
            if "content" in rows
        },
        gas=problem.price("gas_eur_per_kwh"),
        fuel_eur_per_l=problem.price("fuel_eur_per_l"),
    )
