"""Colonies whose diesel matters: the linear relaxation alone says neither when it runs nor what that costs."""

from dataclasses import replace

import numpy as np

from optimization.engine import GridConnection, SiteProblem
from optimization.engine.devices import Device, Generator
from tests.optimization.engine.mixes import Random, colony

# Litres per hour at 30, 50, 75 and 100 % of 500 kW; not convex: beyond half load a further kWh is cheaper than before.
FUEL_CURVE = ((150.0, 52.0), (250.0, 80.0), (375.0, 101.0), (500.0, 127.0))


def scarce_import(random: Random, count: int = 96) -> SiteProblem:
    """Return a colony that may import less than its evening needs, so that the diesel must run in some hours."""
    problem = colony(random, count)
    load = problem.device("load")
    peak = float(np.quantile(load.demand_kw, 0.9)) - 300
    return replace(problem, devices=_with_diesel(problem), connection=GridConnection(import_limit_kw=peak))


def own_supply(random: Random, count: int = 96) -> SiteProblem:
    """Return a twentieth of the colony on a line of 250 kW in and 50 kW out, so that its diesel runs for hours."""
    problem = colony(random, count)
    load = problem.device("load")
    small = replace(load, demand_kw=np.asarray(load.demand_kw) / 20)
    devices = tuple(small if device.name == "load" else device for device in _with_diesel(problem, start_cost_eur=60))
    connection = GridConnection(import_limit_kw=250, export_limit_kw=50)
    return replace(problem, devices=devices, connection=connection)


def two_diesels(random: Random, count: int = 96) -> SiteProblem:
    """Return the colony on a weak line with a second, smaller diesel of long runs."""
    problem = own_supply(random, count)
    second = Generator(
        name="small diesel",
        power_kw=200,
        min_power_kw=80,
        fuel_curve=((80.0, 29.0), (200.0, 54.0)),
        start_cost_eur=25,
        min_run_minutes=120,
        min_rest_minutes=120,
    )
    return replace(problem, devices=(*problem.devices, second))


HARD_COLONIES = {"scarce import": scarce_import, "weak line": own_supply, "two diesels": two_diesels}


def _with_diesel(problem: SiteProblem, start_cost_eur: float = 40) -> tuple[Device, ...]:
    diesel = replace(
        problem.device("diesel"),
        fuel_curve=FUEL_CURVE,
        start_cost_eur=start_cost_eur,
        ramp_kw_per_minute=20,
        min_run_minutes=90,
        min_rest_minutes=90,
    )
    return tuple(diesel if device.name == "diesel" else device for device in problem.devices)
