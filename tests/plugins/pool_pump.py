"""A device kind from outside the tree: a pump that has to move so much water in the horizon, whenever it is cheap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device, Uncontrolled
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part, Solved, within
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series
from optimization.engine.violations import Violation, outside, unequal


@dataclass(frozen=True, kw_only=True, eq=False)
class PoolPump(Device, Uncontrolled):
    """A pump of up to `power_kw` that takes `energy_kwh` over the horizon."""

    kind: ClassVar[str] = "pool_pump"
    quantities: ClassVar[frozenset[str]] = frozenset({"power_kw"})

    power_kw: float
    energy_kwh: float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("power_kw"), self.power_kw, 0, above=True)
        require_between(self.field("energy_kwh"), self.energy_kwh, 0)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return power in kW and energy in kWh."""
        return {"power_kw": self.power_kw, "energy_kwh": self.energy_kwh}

    @classmethod
    def build(cls, block: Block, shape: Any, grid: Grid) -> Part:
        """Take 0 to full power in each step, and the whole energy in all of them."""
        block.taken_kw = pyo.Var(grid.steps, bounds=lambda b, t: (0, b.power_kw))
        block.whole = pyo.Constraint(expr=sum(block.taken_kw[t] for t in grid.steps) * grid.hours == block.energy_kwh)
        return Part(takes_kw=[block.taken_kw[t] for t in grid.steps])

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return the power, kW."""
        return {"power_kw": within(solved["taken_kw"], high=self.power_kw)}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield power out of range and water that was not moved."""
        yield from outside(self.name, "power", series["power_kw"], 0.0, self.power_kw)
        moved = np.array([series["power_kw"].sum() * horizon.step_hours])
        yield from unequal(self.name, "energy", moved, np.array([self.energy_kwh]))

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return nothing and full power."""
        return np.zeros(horizon.count), np.full(horizon.count, self.power_kw)

    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Pump from the start until all is moved."""
        steps = np.arange(horizon.count) * horizon.step_hours * self.power_kw
        left = np.clip(self.energy_kwh - steps, 0, horizon.step_hours * self.power_kw)
        return {"power_kw": left / horizon.step_hours}
