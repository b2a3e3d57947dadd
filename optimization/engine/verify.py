"""The last check before a plan is stored or exported: every balance and limit, independently of the model."""

import math
from dataclasses import fields

import numpy as np

from optimization.engine.evaluate import evaluate, relative_gap, total
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import SITE, Schedule
from optimization.engine.violations import Violation, exceeding, unequal


def verify(problem: SiteProblem, schedule: Schedule) -> tuple[Violation, ...]:
    """Return everything in `schedule` that physics or the problem forbids, and wishes it hides; empty when sound.

    Checked are: a full set of finite series, each device's own physics, both balances, the reported cost, the bound
    and the list of missed wishes.
    """
    incomplete = _incomplete(problem, schedule)
    return tuple(incomplete) or (*_broken(problem, schedule), *_misreported(problem, schedule))


def broken_physics(problem: SiteProblem, schedule: Schedule) -> tuple[Violation, ...]:
    """Return what `verify` does without the reported cost, bound and wishes: for a plan whose figures were made now."""
    incomplete = _incomplete(problem, schedule)
    return tuple(incomplete) or tuple(_broken(problem, schedule))


def _broken(problem: SiteProblem, schedule: Schedule) -> list[Violation]:
    found = [
        violation
        for device in problem.devices
        for violation in device.violations(schedule.devices[device.name], problem.horizon)
    ]
    found += unequal(SITE, "electric balance", schedule.grid_power_kw, total(problem, schedule.devices, "power_kw"))
    heat = total(problem, schedule.devices, "heat_kw")
    found += unequal(SITE, "heat balance", -heat, schedule.heat_surplus_kw)
    found += exceeding(SITE, "heat from nowhere", -schedule.heat_surplus_kw)
    return found


def _incomplete(problem: SiteProblem, schedule: Schedule) -> list[Violation]:
    if schedule.horizon != problem.horizon:
        return [Violation(device=SITE, rule="the horizon of the problem", step=0, amount=1.0)]
    found = []
    named = [
        (SITE, "grid_power_kw", schedule.grid_power_kw),
        (SITE, "heat_surplus_kw", schedule.heat_surplus_kw),
        *((name, quantity, values) for name, series in schedule.devices.items() for quantity, values in series.items()),
    ]
    expected = {device.name: device.quantities for device in problem.devices}
    for name in expected.keys() | schedule.devices.keys():
        differ = expected.get(name, frozenset()) ^ schedule.devices.get(name, {}).keys()
        if differ or name not in expected:
            rule = f"the series of its kind, no more and no fewer ({', '.join(sorted(differ)) or 'unknown device'})"
            found.append(Violation(device=name, rule=rule, step=0, amount=float(len(differ))))
    right = all(np.shape(values) == (problem.horizon.count,) for _, _, values in named)
    if right and np.isfinite(np.concatenate([values for _, _, values in named])).all():
        return found
    for device_name, quantity, values in named:
        if np.shape(values) != (problem.horizon.count,):
            off = float(abs(np.size(values) - problem.horizon.count))
            found.append(Violation(device=device_name, rule=f"{quantity}: one value per step", step=0, amount=off))
        elif not np.isfinite(values).all():
            step = int(np.argmin(np.isfinite(values)))
            found.append(Violation(device=device_name, rule=f"{quantity}: a number", step=step, amount=np.nan))
    return found


def _misreported(problem: SiteProblem, schedule: Schedule) -> list[Violation]:
    actual = evaluate(problem, schedule.devices)
    scale = 1e-5 + 1e-6 * abs(actual.cost.total_eur)
    costs = {
        f"reported {item.name}": abs(getattr(schedule.cost, item.name) - getattr(actual.cost, item.name))
        for item in fields(actual.cost)
    }
    figures = {
        **costs,
        "reported objective": abs(schedule.objective_eur - schedule.extra_eur - actual.objective_eur),
        "reported bound above the objective": schedule.bound_eur - schedule.objective_eur,
    }
    found = [Violation(device=SITE, rule=rule, step=0, amount=off) for rule, off in figures.items() if not off <= scale]
    if not math.isclose(schedule.gap, relative_gap(schedule.objective_eur, schedule.bound_eur), abs_tol=1e-9):
        found.append(Violation(device=SITE, rule="reported gap", step=0, amount=schedule.gap))
    if schedule.unmet != actual.unmet:
        off = abs(len(schedule.unmet) - len(actual.unmet))
        found.append(Violation(device=SITE, rule="reported missed wishes", step=0, amount=off))
    return found
