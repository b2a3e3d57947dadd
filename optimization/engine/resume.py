"""A site in the middle of its plan: how its devices stand, and the rest of its problem from there."""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from optimization.engine.devices.base import Device, State
from optimization.engine.errors import ProblemError
from optimization.engine.evaluate import evaluate
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Emissions, Prices, SiteProblem
from optimization.engine.schedule import Schedule

States = Mapping[str, State]
Group = TypeVar("Group", Prices, Emissions)


def states_at(problem: SiteProblem, schedule: Schedule, step: int) -> dict[str, State]:
    """Return how each device stands where `step` begins, if the plan was kept until then; by its name.

    Raises:
        ProblemError: for a step that the plan does not have, or the first.
    """
    if not 0 < step < problem.horizon.count:
        raise ProblemError("step", step, f"1 to {problem.horizon.count - 1}")
    found = {
        device.name: device.state_at(schedule.devices[device.name], problem.horizon, step)
        for device in problem.devices
        if device.name in schedule.devices
    }
    return {name: state for name, state in found.items() if state}


def resumed(devices: tuple[Device, ...], states: States, horizon: Horizon) -> tuple[Device, ...]:
    """Return devices as they go on from their states; those that are done are left out."""
    going = (device.resumed(states[device.name], horizon) if device.name in states else device for device in devices)
    return tuple(device for device in going if device is not None)


def rest_of(problem: SiteProblem, step: int, states: States, *, import_so_far_kw: float = 0.0) -> SiteProblem:
    """Return the problem from `step` on, with its devices as `states` says.

    `import_so_far_kw` is the highest import of the steps before: only what exceeds it costs a peak price again.

    Raises:
        ProblemError: for a step outside of the horizon, or a device that has no room in the rest.
    """
    before = problem.horizon
    if not 0 < step < before.count:
        raise ProblemError("step", step, f"1 to {before.count - 1}")
    horizon = Horizon(before.start + step * before.step, before.step, before.count - step)
    prices = _cut(problem.prices, step, before.count)
    return replace(
        problem,
        horizon=horizon,
        devices=resumed(tuple(_cut_device(device, step) for device in problem.devices), states, horizon),
        prices=replace(prices, peak_so_far_kw=max(prices.peak_so_far_kw, import_so_far_kw)),
        emissions=_cut(problem.emissions, step, before.count),
    )


def rest_of_schedule(schedule: Schedule, rest: SiteProblem) -> Schedule:
    """Return what is left of a plan in `rest`, with its own cost; how far from the optimum it is, is not known.

    Powers are kept, contents follow from the states that `rest` begins with.
    """
    step = schedule.horizon.count - rest.horizon.count
    devices = {}
    for device in rest.devices:
        left = {name: values[step:] for name, values in schedule.devices[device.name].items()}
        devices[device.name] = device.repeated(left, rest.horizon)
    found = evaluate(rest, devices)
    return replace(
        schedule,
        horizon=rest.horizon,
        grid_power_kw=found.grid_power_kw,
        heat_surplus_kw=found.heat_surplus_kw,
        devices=devices,
        cost=found.cost,
        objective_eur=found.objective_eur,
        unmet=found.unmet,
        status="time_limit",
        bound_eur=-math.inf,
        gap=math.inf,
    )


def _cut_device(device: Device, step: int) -> Device:
    series: dict[str, Any] = {
        item.name: value[step:]
        for item in fields(device)
        if item.name not in device.own_length and isinstance(value := getattr(device, item.name), np.ndarray)
    }
    return replace(device, **series)


def _cut(group: Group, step: int, count: int) -> Group:
    series: dict[str, Any] = {
        item.name: value[step:]
        for item in fields(group)
        if isinstance(value := getattr(group, item.name), np.ndarray) and len(value) == count
    }
    return replace(group, **series)
