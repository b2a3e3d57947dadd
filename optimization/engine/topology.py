"""What sites must have in common to share one compiled model, and the numbers in which they differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optimization.engine.devices.base import Device
from optimization.engine.horizon import Grid
from optimization.engine.parts import Parameters, Shape
from optimization.engine.problem import SiteProblem
from optimization.engine.series import Series

Sizes = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class DeviceShape:
    """A device without its numbers: its kind, its shape, and its parameters with their lengths (None: one number)."""

    kind: type[Device]
    shape: Shape
    sizes: Sizes


@dataclass(frozen=True)
class MeterShape:
    """The meter without its numbers: can power flow both ways, which limits it has, does the peak cost."""

    both_ways: bool
    import_limited: bool
    export_limited: bool
    peak: bool
    sizes: Sizes


@dataclass(frozen=True)
class Topology:
    """All that decides which variables and constraints a site's model has."""

    grid: Grid
    devices: tuple[DeviceShape, ...]
    meter: MeterShape


class Site:
    """A problem as a topology and one vector of numbers; its devices are put in an order that many sites share."""

    def __init__(self, problem: SiteProblem) -> None:
        self.problem = problem
        given = [(device.kind, device.shape(problem.horizon), device) for device in problem.devices]
        self.devices = [device for _, _, device in sorted(given, key=lambda each: (each[0], repr(each[1])))]
        self._numbers = [device.parameters(problem.horizon) for device in self.devices]
        self._meter = meter_parameters(problem)

    @cached_property
    def topology(self) -> Topology:
        """What this site shares with others."""
        horizon = self.problem.horizon
        shapes = [
            DeviceShape(type(device), device.shape(horizon), _sizes(numbers))
            for device, numbers in zip(self.devices, self._numbers, strict=True)
        ]
        return Topology(horizon.grid, tuple(shapes), _meter_shape(self.problem, self._meter))

    @property
    def numbers(self) -> Series:
        """The parameters in the order in which the model declares them, after a leading 1."""
        return np.concatenate([(1.0,), *self._values()], dtype=np.float64)

    def _values(self) -> Iterator[Series | tuple[float]]:
        for numbers in (*self._numbers, self._meter):
            for value in numbers.values():
                yield value if isinstance(value, np.ndarray) else (value,)


def meter_parameters(problem: SiteProblem) -> Parameters:
    """Return limits in kW and what a kW, or a litre per hour, over one step is worth in the goal, EUR."""
    goal, hours, emissions = problem.objective, problem.horizon.step_hours, problem.emissions
    weight, co2 = goal.cost_weight, goal.co2_eur_per_kg
    most_out, most_in = meter_range_kw(problem)
    connection = problem.connection
    limits = {"import_limit_kw": connection.import_limit_kw, "export_limit_kw": connection.export_limit_kw}
    import_co2 = co2 * np.asarray(emissions.import_kg_per_kwh)
    return {
        "max_import_kw": most_in,
        "max_export_kw": most_out,
        **_given_kw(problem),
        **{name: limit for name, limit in limits.items() if limit is not None},
        "import_eur_per_kw": hours * (weight * problem.price("import_eur_per_kwh") + import_co2),
        "export_eur_per_kw": hours * weight * problem.price("export_eur_per_kwh"),
        "gas_eur_per_kw": hours * (weight * problem.price("gas_eur_per_kwh") + co2 * emissions.gas_kg_per_kwh),
        "fuel_eur_per_l_per_h": hours * (weight * problem.price("fuel_eur_per_l") + co2 * emissions.fuel_kg_per_l),
        "cost_weight": weight,
        "peak_eur_per_kw": weight * problem.prices.peak_eur_per_kw,
        "peak_so_far_kw": problem.prices.peak_so_far_kw,
    }


def meter_range_kw(problem: SiteProblem) -> tuple[Series, Series]:
    """Return the most that the devices can export and import in each step, kW (both 0 or more)."""
    ranges = [device.power_range_kw(problem.horizon) for device in problem.devices]
    zero = np.zeros(problem.horizon.count)
    low = sum((low for low, _ in ranges), zero)
    high = sum((high for _, high in ranges), zero)
    return np.maximum(0.0, -low), np.maximum(0.0, high)


def _given_kw(problem: SiteProblem) -> Parameters:
    """Return what weather and habit leave over and ask for at most in each step, kW (both 0 or more)."""
    ranges = [device.power_range_kw(problem.horizon) for device in problem.devices if device.given]
    zero = np.zeros(problem.horizon.count)
    low = sum((low for low, _ in ranges), zero)
    high = sum((high for _, high in ranges), zero)
    return {"surplus_kw": np.maximum(0.0, -low), "demand_kw": np.maximum(0.0, high)}


def _meter_shape(problem: SiteProblem, numbers: Parameters) -> MeterShape:
    both = np.minimum(numbers["max_import_kw"], numbers["max_export_kw"]) > 0
    return MeterShape(
        both_ways=bool(np.any(both)),
        import_limited=problem.connection.import_limit_kw is not None,
        export_limited=problem.connection.export_limit_kw is not None,
        peak=problem.prices.peak_eur_per_kw > 0,
        sizes=_sizes(numbers),
    )


def _sizes(numbers: Parameters) -> Sizes:
    return tuple((name, len(value) if isinstance(value, np.ndarray) else None) for name, value in numbers.items())
