"""The last check before a plan is stored or exported: every balance and limit, independently of the model."""

import numpy as np

from optimization.engine.evaluate import evaluate, total
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import SITE, Schedule
from optimization.engine.series import Series
from optimization.engine.violations import Violation, exceeding, unequal


def verify(problem: SiteProblem, schedule: Schedule) -> tuple[Violation, ...]:
    """Return everything in `schedule` that physics or the problem forbids, and wishes it hides; empty when sound.

    Checked are: a full set of finite series, each device's own physics, both balances, the reported cost, the bound
    and the list of missed wishes.
    """
    incomplete = _incomplete(problem, schedule)
    if incomplete:
        return tuple(incomplete)
    found = [
        violation
        for device in problem.devices
        for violation in device.violations(schedule.devices[device.name], problem.horizon)
    ]
    found += unequal(SITE, "electric balance", schedule.grid_power_kw, total(problem, schedule.devices, "power_kw"))
    heat = total(problem, schedule.devices, "heat_kw")
    found += unequal(SITE, "heat balance", -heat, schedule.heat_surplus_kw)
    found += exceeding(SITE, "heat from nowhere", -schedule.heat_surplus_kw)
    return (*found, *_misreported(problem, schedule))


def _incomplete(problem: SiteProblem, schedule: Schedule) -> list[Violation]:
    named: list[tuple[str, str, Series]] = [(SITE, "grid_power_kw", schedule.grid_power_kw)]
    found = []
    for device in problem.devices:
        if device.name not in schedule.devices:
            found.append(Violation(device=device.name, rule="a series for every device", step=0, amount=1.0))
            continue
        named += [(device.name, quantity, values) for quantity, values in schedule.devices[device.name].items()]
    for device_name, quantity, values in named:
        if len(values) != problem.horizon.count:
            off = abs(len(values) - problem.horizon.count)
            found.append(Violation(device=device_name, rule=f"{quantity}: one value per step", step=0, amount=off))
        elif not np.isfinite(values).all():
            step = int(np.argmin(np.isfinite(values)))
            found.append(Violation(device=device_name, rule=f"{quantity}: a number", step=step, amount=np.nan))
    return found


def _misreported(problem: SiteProblem, schedule: Schedule) -> list[Violation]:
    actual = evaluate(problem, schedule.devices)
    found = []
    scale = 1e-5 + 1e-6 * abs(actual.cost.total_eur)
    figures = [
        ("reported cost", abs(schedule.cost.total_eur - actual.cost.total_eur)),
        ("reported objective", abs(schedule.objective_eur - actual.objective_eur)),
        ("reported bound above the objective", schedule.bound_eur - schedule.objective_eur),
    ]
    for rule, off in figures:
        if not off <= scale:
            found.append(Violation(device=SITE, rule=rule, step=0, amount=off))
    if schedule.unmet != actual.unmet:
        off = abs(len(schedule.unmet) - len(actual.unmet))
        found.append(Violation(device=SITE, rule="reported missed wishes", step=0, amount=off))
    return found
