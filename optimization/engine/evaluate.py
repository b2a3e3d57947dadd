"""A plan judged from its series alone, in plain numpy: balances, cost, emissions, wishes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import SITE, Cost, DeviceSeries, Schedule, Unmet
from optimization.engine.series import Series
from optimization.engine.wishes import Wish, missed


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What follows from the series of all devices."""

    grid_power_kw: Series
    heat_surplus_kw: Series
    cost: Cost
    objective_eur: float
    unmet: tuple[Unmet, ...]


def total(problem: SiteProblem, devices: Mapping[str, DeviceSeries], quantity: str) -> Series:
    """Return the sum over all devices of one quantity (zero where a device has none), per step."""
    zero = np.zeros(problem.horizon.count)
    return sum((series[quantity] for series in devices.values() if quantity in series), zero)


def evaluate(problem: SiteProblem, devices: Mapping[str, DeviceSeries]) -> Evaluation:
    """Return meter power, cost and missed wishes of the plan that `devices` (series by device name) describes."""
    grid = total(problem, devices, "power_kw")
    grid[np.abs(grid) < 1e-9] = 0.0
    surplus = -total(problem, devices, "heat_kw")
    surplus[np.abs(surplus) < 1e-6] = 0.0
    cost = _cost(problem, devices, grid)
    goal = problem.objective
    return Evaluation(
        grid_power_kw=grid,
        heat_surplus_kw=surplus,
        cost=cost,
        objective_eur=goal.cost_weight * cost.total_eur + goal.co2_eur_per_kg * cost.co2_kg,
        unmet=_unmet(problem, devices, grid, surplus),
    )


def _cost(problem: SiteProblem, devices: Mapping[str, DeviceSeries], grid: Series) -> Cost:
    hours, horizon, emissions = problem.horizon.step_hours, problem.horizon, problem.emissions
    imported, exported = np.maximum(grid, 0.0), np.maximum(-grid, 0.0)
    gas, fuel = total(problem, devices, "gas_kw"), total(problem, devices, "fuel_l_per_h")
    co2_kg_per_h = (
        imported * np.asarray(emissions.import_kg_per_kwh)
        + gas * emissions.gas_kg_per_kwh
        + fuel * emissions.fuel_kg_per_l
    )
    peak_kw = max(0.0, float(imported.max()) - problem.prices.peak_so_far_kw)
    return Cost(
        import_eur=hours * float(imported @ problem.price("import_eur_per_kwh")),
        export_eur=-hours * float(exported @ problem.price("export_eur_per_kwh")),
        gas_eur=hours * float(gas @ problem.price("gas_eur_per_kwh")),
        fuel_eur=hours * float(fuel @ problem.price("fuel_eur_per_l")),
        wear_eur=sum(device.wear_eur(devices[device.name], horizon) for device in problem.devices),
        start_eur=sum(device.start_eur(devices[device.name], horizon) for device in problem.devices),
        peak_eur=problem.prices.peak_eur_per_kw * peak_kw,
        co2_kg=hours * float(co2_kg_per_h.sum()),
    )


def _unmet(
    problem: SiteProblem, devices: Mapping[str, DeviceSeries], grid: Series, surplus: Series
) -> tuple[Unmet, ...]:
    horizon, connection, hours = problem.horizon, problem.connection, problem.horizon.step_hours
    unmet = [unmet for device in problem.devices for unmet in device.unmet(devices[device.name], horizon)]
    if connection.import_limit_kw is not None:
        excess = (grid - connection.import_limit_kw) * hours
        unmet += missed(SITE, Wish.IMPORT_LIMIT, horizon, excess)
    if connection.export_limit_kw is not None:
        excess = (-grid - connection.export_limit_kw) * hours
        unmet += missed(SITE, Wish.EXPORT_LIMIT, horizon, excess)
    unmet += missed(SITE, Wish.HEAT_SURPLUS, horizon, surplus * hours)
    return tuple(sorted(unmet, key=lambda record: (record.start, record.device, record.wish)))


def judged(
    problem: SiteProblem,
    devices: Mapping[str, DeviceSeries],
    *,
    solver: str,
    status: str,
    bound_eur: float,
    seconds: Mapping[str, float],
) -> Schedule:
    """Return the plan that `devices` describes as a schedule; the bound is kept at or below its objective."""
    result = evaluate(problem, devices)
    bound = min(bound_eur, result.objective_eur)
    return Schedule(
        horizon=problem.horizon,
        grid_power_kw=result.grid_power_kw,
        heat_surplus_kw=result.heat_surplus_kw,
        devices=devices,
        cost=result.cost,
        objective_eur=result.objective_eur,
        solver=solver,
        status=status,
        bound_eur=bound,
        gap=relative_gap(result.objective_eur, bound),
        unmet=result.unmet,
        seconds=seconds,
    )


def relative_gap(objective: float, bound: float) -> float:
    """Return how far the objective may be above the best, relative to its own size (0 where both are equal)."""
    distance = objective - bound
    return 0.0 if distance <= 0 else distance / max(abs(objective), 1e-9)
