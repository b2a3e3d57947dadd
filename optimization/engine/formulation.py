"""The one definition of a site's optimisation model, in Pyomo; every solver starts from it."""

from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo

from optimization.engine.parts import Expression, Part, Variable
from optimization.engine.problem import SiteProblem
from optimization.engine.series import Series
from optimization.engine.wishes import Wish


@dataclass(frozen=True, kw_only=True)
class SiteModel:
    """A Pyomo model whose objective is the goal in EUR, and what a solver may do with parts of it.

    `exclusive` lists (binary, one, other) of what excludes each other, `missed` the missing energies by wish.
    """

    model: pyo.ConcreteModel
    exclusive: tuple[tuple[Variable, Variable, Variable], ...]
    missed: tuple[tuple[Wish, Variable], ...]


def formulate(problem: SiteProblem) -> SiteModel:
    """Return the mixed-integer linear model of `problem` (docs/optimization-model.md has it in formulas)."""
    model = pyo.ConcreteModel()
    parts = []
    for index, device in enumerate(problem.devices):
        block = pyo.Block()
        model.add_component(f"device_{index}", block)
        parts.append(device.build(block, problem.horizon))
    site = Part()
    _add_meter(model, problem, parts, site)
    _add_heat_balance(model, problem, parts, site)
    parts.append(site)
    model.goal = pyo.Objective(expr=_goal(model, problem, parts))
    return SiteModel(
        model=model,
        exclusive=tuple(
            (binary[i], one[i], other[i]) for part in parts for binary, one, other in part.exclusive for i in binary
        ),
        missed=tuple((wish, variable[i]) for part in parts for wish, variable in part.missed for i in variable),
    )


def meter_range_kw(problem: SiteProblem) -> tuple[Series, Series]:
    """Return the most that the devices can export and import in each step, kW (both 0 or more)."""
    ranges = [device.power_range_kw(problem.horizon) for device in problem.devices]
    zero = np.zeros(problem.horizon.count)
    low = sum((low for low, _ in ranges), zero)
    high = sum((high for _, high in ranges), zero)
    return np.maximum(0.0, -low), np.maximum(0.0, high)


def _add_meter(model: pyo.ConcreteModel, problem: SiteProblem, parts: list[Part], site: Part) -> None:
    steps, hours = range(problem.horizon.count), problem.horizon.step_hours
    most_out, most_in = meter_range_kw(problem)
    model.import_kw = pyo.Var(steps, bounds=lambda _, t: (0, most_in[t]))
    model.export_kw = pyo.Var(steps, bounds=lambda _, t: (0, most_out[t]))
    model.electricity = pyo.Constraint(
        steps,
        rule=lambda m, t: (
            m.import_kw[t] - m.export_kw[t] == sum((part.power_kw[t] for part in parts if part.power_kw), 0.0)
        ),
    )
    both_ways = [t for t in steps if most_in[t] and most_out[t]]
    model.importing = pyo.Var(both_ways, domain=pyo.Binary)
    model.only_import = pyo.Constraint(both_ways, rule=lambda m, t: m.import_kw[t] <= most_in[t] * m.importing[t])
    model.only_export = pyo.Constraint(
        both_ways, rule=lambda m, t: m.export_kw[t] <= most_out[t] * (1 - m.importing[t])
    )
    site.exclusive.append((model.importing, model.import_kw, model.export_kw))
    connection = problem.connection
    if connection.import_limit_kw is not None:
        model.import_excess_kwh = pyo.Var(steps, bounds=(0, None))
        model.import_limit = pyo.Constraint(
            steps, rule=lambda m, t: m.import_kw[t] - m.import_excess_kwh[t] / hours <= connection.import_limit_kw
        )
        site.missed.append((Wish.IMPORT_LIMIT, model.import_excess_kwh))
    if connection.export_limit_kw is not None:
        model.export_excess_kwh = pyo.Var(steps, bounds=(0, None))
        model.export_limit = pyo.Constraint(
            steps, rule=lambda m, t: m.export_kw[t] - m.export_excess_kwh[t] / hours <= connection.export_limit_kw
        )
        site.missed.append((Wish.EXPORT_LIMIT, model.export_excess_kwh))
    if problem.prices.peak_eur_per_kw:
        model.peak_kw = pyo.Var(bounds=(problem.prices.peak_so_far_kw, None))
        model.peak = pyo.Constraint(steps, rule=lambda m, t: m.peak_kw >= m.import_kw[t])
        site.cost_eur = problem.prices.peak_eur_per_kw * (model.peak_kw - problem.prices.peak_so_far_kw)


def _add_heat_balance(model: pyo.ConcreteModel, problem: SiteProblem, parts: list[Part], site: Part) -> None:
    heat = [part.heat_kw for part in parts if part.heat_kw]
    if not heat:
        return
    steps, hours = range(problem.horizon.count), problem.horizon.step_hours
    model.heat_surplus_kwh = pyo.Var(steps, bounds=(0, None))
    model.heat = pyo.Constraint(
        steps, rule=lambda m, t: sum(series[t] for series in heat) + m.heat_surplus_kwh[t] / hours == 0
    )
    site.missed.append((Wish.HEAT_SURPLUS, model.heat_surplus_kwh))


def _goal(model: pyo.ConcreteModel, problem: SiteProblem, parts: list[Part]) -> Expression:
    goal, hours = problem.objective, problem.horizon.step_hours
    emissions = problem.emissions
    import_price, export_price = problem.price("import_eur_per_kwh"), problem.price("export_eur_per_kwh")
    gas_price, fuel_price = problem.price("gas_eur_per_kwh"), problem.price("fuel_eur_per_l")
    weight, co2 = goal.cost_weight, goal.co2_eur_per_kg
    import_eur = weight * import_price + co2 * np.asarray(emissions.import_kg_per_kwh)
    gas_eur = weight * gas_price + co2 * emissions.gas_kg_per_kwh
    fuel_eur = weight * fuel_price + co2 * emissions.fuel_kg_per_l
    steps = range(problem.horizon.count)
    expression = sum(
        hours * (import_eur[t] * model.import_kw[t] - weight * export_price[t] * model.export_kw[t]) for t in steps
    )
    for part in parts:
        expression += sum(hours * gas_eur[t] * gas for t, gas in enumerate(part.gas_kw))
        expression += sum(hours * fuel_eur[t] * fuel for t, fuel in enumerate(part.fuel_l_per_h))
        expression += weight * part.cost_eur
    return expression
