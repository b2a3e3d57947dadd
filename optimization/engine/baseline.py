"""The same site without any control: what every saving is measured against."""

import math
import time

import numpy as np

from optimization.engine.devices.base import HeatProducer, Thermostat, Uncontrolled
from optimization.engine.devices.heat_storage import HeatStorage
from optimization.engine.devices.load import HeatLoad
from optimization.engine.evaluate import judged
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import DeviceSeries, Schedule

ORDER_OF_HEAT = ("heat_pump", "chp", "boiler")


def baseline(problem: SiteProblem) -> Schedule:
    """Return the plan that no optimiser makes.

    Plants produce what they can, batteries and generators stand still, cars charge on arrival, processes run as early
    as allowed, and heat follows a thermostat that keeps each store at its wished final level: heat pumps first, then
    CHPs, then boilers. Nobody looks at prices or site limits.
    """
    started = time.perf_counter()
    devices: dict[str, DeviceSeries] = {
        device.name: device.uncontrolled(problem.horizon)
        for device in problem.devices
        if isinstance(device, Uncontrolled)
    }
    devices |= _heat_side(problem)
    devices = {device.name: devices[device.name] for device in problem.devices}
    return judged(
        problem,
        devices,
        solver="uncontrolled",
        status="uncontrolled",
        bound_eur=-math.inf,
        seconds={"solve": time.perf_counter() - started},
    )


class _Store:
    """A heat store under a thermostat, step by step."""

    def __init__(self, device: HeatStorage, problem: SiteProblem) -> None:
        self.device, self.hours = device, problem.horizon.step_hours
        self.content = device.content(problem.horizon)
        self.kept, self.range_kw = self.content.kept, device.heat_range_kw
        self.kwh = self.content.kwh(device.initial_soc_percent)
        wished = device.min_soc_percent if device.final_soc_percent is None else device.final_soc_percent
        self.target_kwh = self.content.kwh(wished)
        self.highest_kwh = self.content.kwh(device.max_soc_percent)
        self.heat_kw: list[float] = []

    def reach_kw(self, target_kwh: float) -> float:
        """Return the power that brings the content to a target, within the power limits."""
        low, high = self.range_kw
        return min(max((target_kwh - self.kept * self.kwh) / self.hours, low), high)

    def take(self, surplus_kw: float) -> float:
        """Take (or give, negative) up to `surplus_kw`; return what was taken."""
        taken = min(max(surplus_kw, self.reach_kw(0.0)), self.reach_kw(self.content.capacity_kwh))
        self.kwh = self.kept * self.kwh + self.hours * taken
        self.heat_kw.append(taken)
        return taken


def _heat_side(problem: SiteProblem) -> dict[str, DeviceSeries]:
    horizon = problem.horizon
    loads = [device for device in problem.devices if isinstance(device, HeatLoad)]
    stores = [_Store(device, problem) for device in problem.devices if isinstance(device, HeatStorage)]
    thermostats = _thermostats(problem)
    if not (loads or stores or thermostats):
        return {}
    demands = sum((load.demand for load in loads), np.zeros(horizon.count))
    missing = np.zeros(horizon.count)
    for step, demand in enumerate(demands.tolist()):
        wanted = demand + sum(store.reach_kw(store.target_kwh) for store in stores)
        room = demand + sum(store.reach_kw(store.highest_kwh) for store in stores)
        made = 0.0
        for thermostat in thermostats.values():
            made += thermostat.step(step, wanted - made, room - made)
        surplus = made - demand
        for store in stores:
            surplus -= store.take(surplus)
        missing[step] = min(max(0.0, -surplus), demand)
    held = 1 - np.divide(missing, demands, out=np.zeros(horizon.count), where=demands > 0)
    series: dict[str, DeviceSeries] = {load.name: {"heat_kw": load.demand * held} for load in loads}
    series |= {name: thermostat.series() for name, thermostat in thermostats.items()}
    series |= {store.device.name: store.device.series(np.array(store.heat_kw), horizon) for store in stores}
    return series


def _thermostats(problem: SiteProblem) -> dict[str, Thermostat]:
    producers = [device for device in problem.devices if isinstance(device, HeatProducer)]
    ranked = sorted(
        producers, key=lambda device: ORDER_OF_HEAT.index(device.kind) if device.kind in ORDER_OF_HEAT else 99
    )
    return {device.name: device.thermostat(problem.horizon) for device in ranked}
