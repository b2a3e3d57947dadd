"""The cost of a day with a call by another way: the plain Pyomo model, built anew, with the call as constraints."""

import pyomo.environ as pyo

from flexmarket.engine.offer import Offer
from optimization.engine import Schedule, SiteProblem
from optimization.engine.formulation import block_name, formulate
from optimization.engine.topology import Site
from optimization.engine.wishes import RANKS

# What decides on power or heat, and the plan's series of it with its sign.
DECIDED = {
    "charge_kw": ("charge_kw", 1.0),
    "discharge_kw": ("discharge_kw", 1.0),
    "produced_kw": ("power_kw", -1.0),
    "made_kw": ("heat_kw", -1.0),
    "heat_kw": ("heat_kw", 1.0),
    "on": ("on", 1.0),
}
NEAR = 1e-7
MOST_SECONDS = 20.0


def cost_with_call(problem: SiteProblem, schedule: Schedule, offer: Offer, power_kw: float) -> float:
    """Return the least cost of the day with a call, EUR; infinite where no plan holds all wishes, or none is found."""
    site = Site(problem)
    made = formulate(site.topology)
    made.fill(site.numbers)
    model, meter = made.model, made.model.site
    for part in made.parts:
        for wish, variable in part.missed:
            assert any(wish in rank for rank in RANKS)
            variable.fix(0.0)
    first = round((offer.start - problem.horizon.start) / problem.horizon.step)
    model.held = pyo.ConstraintList()
    for index, device in enumerate(site.devices):
        block, plan = getattr(model, block_name(index)), schedule.devices[device.name]
        alone = offer.device is not None and offer.device != device.name and "power_kw" in device.quantities
        for name, (series, sign) in DECIDED.items():
            variable = getattr(block, name, None)
            for step in problem.horizon.grid.steps if variable is not None else ():
                if step < first or alone:
                    model.held.add(pyo.inequality(-NEAR, variable[step] - sign * plan[series][step], NEAR))
    for step in range(first, first + offer.steps):
        grid = meter.import_kw[step] - meter.export_kw[step]
        # The others keep their plan, so the meter moves by what the device does.
        promised = schedule.grid_power_kw[step] + offer.direction.sign * power_kw
        model.held.add(grid == promised)
    solver = pyo.SolverFactory("appsi_highs")
    solver.config.time_limit = MOST_SECONDS
    answer = solver.solve(model, load_solutions=False)
    if answer.solver.termination_condition != pyo.TerminationCondition.optimal:
        return float("inf")
    model.solutions.load_from(answer)
    return float(pyo.value(model.goal))
