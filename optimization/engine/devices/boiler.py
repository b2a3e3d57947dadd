"""Gas boiler."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device, HeatProducer, Thermostat
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part, Solved, within
from optimization.engine.reasons import POWER_KW, Reasons, Worth, reasons_of_converter
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series
from optimization.engine.violations import Violation, outside, unequal


@dataclass(frozen=True, kw_only=True, eq=False)
class Boiler(Device, HeatProducer):
    """A modulating gas boiler: heat from 0 to `heat_power_kw`, gas = heat / efficiency."""

    kind: ClassVar[str] = "boiler"
    quantities: ClassVar[frozenset[str]] = frozenset({"heat_kw", "gas_kw"})

    heat_power_kw: float
    efficiency: float = 0.96

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("heat_power_kw"), self.heat_power_kw, 0)
        require_between(self.field("efficiency"), self.efficiency, 0, 1.1, above=True)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return the limit in kW, and the gas per heat."""
        return {"max_heat_kw": self.heat_power_kw, "gas_per_heat": 1 / self.efficiency}

    @classmethod
    def build(cls, block: Block, shape: Any, grid: Grid) -> Part:
        """Make heat q with 0 <= q <= Q from gas q / eta."""
        block.made_kw = pyo.Var(grid.steps, bounds=(0, block.max_heat_kw))
        made = [block.made_kw[t] for t in grid.steps]
        return Part(heat_kw=[-kw for kw in made], gas_kw=[block.gas_per_heat * kw for kw in made])

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return heat (negative = made) and gas, kW."""
        return self.series(within(solved["made_kw"], high=self.heat_power_kw))

    def series(self, made_kw: Series) -> DeviceSeries:
        """Return the series for the heat made, kW per step (0 or more)."""
        return {"heat_kw": -made_kw, "gas_kw": made_kw / self.efficiency}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield heat beyond the limit and gas that does not fit the heat."""
        yield from outside(self.name, "heat power", -series["heat_kw"], 0.0, self.heat_power_kw)
        yield from unequal(self.name, "gas input", series["gas_kw"], -series["heat_kw"] / self.efficiency)

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it burns or rests: what a kWh of heat is worth against the gas for it."""
        return reasons_of_converter(
            np.where(-series["heat_kw"] > POWER_KW, 1.0, 0.0), worth.heat, worth.gas / self.efficiency
        )

    def thermostat(self, horizon: Horizon) -> Thermostat:
        """Return a burner that follows the wanted heat."""
        return _Burner(self)


class _Burner(Thermostat):
    def __init__(self, boiler: Boiler) -> None:
        self._boiler = boiler
        self._made: list[float] = []

    def step(self, step: int, wanted_kw: float, room_kw: float) -> float:
        self._made.append(max(0.0, min(wanted_kw, self._boiler.heat_power_kw)))
        return self._made[-1]

    def series(self) -> DeviceSeries:
        return self._boiler.series(np.array(self._made))
