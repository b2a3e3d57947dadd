"""A plan made in the middle of another: the first steps of the one, the rest of the other."""

from dataclasses import fields, replace

import numpy as np

from optimization.engine.evaluate import relative_gap
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Cost, Schedule


def stitched(before: Schedule, left: Schedule, rest: Schedule, problem: SiteProblem) -> Schedule:
    """Return the first steps of `before` and the whole of `rest` as one plan over the horizon of `problem`.

    `left` is what `before` still had to do: its cost is replaced by that of `rest`. Devices that were done stand still.
    """
    past = before.horizon.count - rest.horizon.count
    cost = {
        item.name: getattr(before.cost, item.name) - getattr(left.cost, item.name) + getattr(rest.cost, item.name)
        for item in fields(Cost)
    }
    goal = problem.objective
    total = Cost(**cost)
    objective = goal.cost_weight * total.total_eur + goal.co2_eur_per_kg * total.co2_kg
    devices = {
        name: {
            quantity: np.concatenate(
                [values[:past], rest.devices[name][quantity] if name in rest.devices else np.zeros(rest.horizon.count)]
            )
            for quantity, values in series.items()
        }
        for name, series in before.devices.items()
    }
    bound = objective - (rest.objective_eur - rest.bound_eur)
    return replace(
        rest,
        horizon=problem.horizon,
        grid_power_kw=np.concatenate([before.grid_power_kw[:past], rest.grid_power_kw]),
        heat_surplus_kw=np.concatenate([before.heat_surplus_kw[:past], rest.heat_surplus_kw]),
        devices=devices,
        cost=total,
        objective_eur=objective,
        bound_eur=bound,
        gap=relative_gap(objective, bound),
        unmet=tuple(each for each in before.unmet if each.start < rest.horizon.start) + rest.unmet,
    )
