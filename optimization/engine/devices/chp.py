"""Combined heat and power unit (gas)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from optimization.engine.checks import require_between
from optimization.engine.devices.switched_heat import SwitchedHeatProducer, SwitchedShape
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part
from optimization.engine.reasons import Reasons, Worth, reasons_of_converter
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series
from optimization.engine.violations import Violation, unequal

HIGHEST_TOTAL_EFFICIENCY = 1.1


@dataclass(frozen=True, kw_only=True, eq=False)
class Chp(SwitchedHeatProducer):
    """A gas engine that makes `electric_power_kw` and heat. Efficiencies are shares of the gas input."""

    kind: ClassVar[str] = "chp"
    quantities: ClassVar[frozenset[str]] = frozenset({"power_kw", "heat_kw", "gas_kw", "on"})

    electric_power_kw: float
    electric_efficiency: float = 0.30
    thermal_efficiency: float = 0.65
    start_cost_eur: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("electric_power_kw"), self.electric_power_kw, 0, above=True)
        require_between(self.field("electric_efficiency"), self.electric_efficiency, 0, 1, above=True)
        require_between(self.field("thermal_efficiency"), self.thermal_efficiency, 0, 1, above=True)
        require_between(self.field("start_cost_eur"), self.start_cost_eur, 0)
        if self.electric_efficiency + self.thermal_efficiency > HIGHEST_TOTAL_EFFICIENCY:
            allowed = f"at most {HIGHEST_TOTAL_EFFICIENCY:g} together with electric_efficiency (lower heating value)"
            raise ProblemError(self.field("thermal_efficiency"), self.thermal_efficiency, allowed)

    @property
    def full_gas_kw(self) -> float:
        """Gas input at full output, kW."""
        return self.electric_power_kw / self.electric_efficiency

    @property
    def full_heat_kw(self) -> float:
        """Heat at full output, kW."""
        return self.full_gas_kw * self.thermal_efficiency

    def heat_at_full_kw(self, horizon: Horizon) -> Series:
        """Return the heat at full output, kW per step."""
        return np.full(horizon.count, self.full_heat_kw)

    def shape(self, horizon: Horizon) -> SwitchedShape:
        """Return the shape of the on/off states; starts count where they cost."""
        return self.switched_shape(horizon, starts=self.start_cost_eur > 0)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return power, heat and gas at full output in kW, the cost of a start in EUR, and the on/off states."""
        return {
            "full_power_kw": self.electric_power_kw,
            "full_heat_kw": self.full_heat_kw,
            "full_gas_kw": self.full_gas_kw,
            "start_eur": self.start_cost_eur,
            **self.switched_parameters(horizon),
        }

    @classmethod
    def build(cls, block: Block, shape: SwitchedShape, grid: Grid) -> Part:
        """Make P x power and Q x heat from G x gas for the output x of each step, and pay for starts."""
        output, switch = cls.build_output(block, shape, grid)
        return Part(
            gives_kw=[block.full_power_kw * x for x in output],
            heat_kw=[-block.full_heat_kw * x for x in output],
            gas_kw=[block.full_gas_kw * x for x in output],
            cost_eur=[block.start_eur * block.start[t] for t in grid.steps] if shape.commitment.starts else [],
            switches=[switch],
        )

    def series(self, on: Series, output: Series) -> DeviceSeries:
        """Return power, heat (negative = made) and gas in kW, and the state."""
        return {
            "power_kw": -self.electric_power_kw * output,
            "heat_kw": -self.full_heat_kw * output,
            "gas_kw": self.full_gas_kw * output,
            "on": on,
        }

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield states that come too early, outputs outside their range, and heat or gas that does not fit."""
        output = -series["power_kw"] / self.electric_power_kw
        yield from self.output_violations(series["on"], output, horizon)
        yield from unequal(self.name, "heat from power", -series["heat_kw"], self.full_heat_kw * output)
        yield from unequal(self.name, "gas input", series["gas_kw"], self.full_gas_kw * output)

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it runs or rests: electricity and its heat against its gas, per kWh of electricity."""
        brings = worth.electricity + worth.heat * self.full_heat_kw / self.electric_power_kw
        return reasons_of_converter(series["on"], brings, worth.gas * self.full_gas_kw / self.electric_power_kw)

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return full production and zero."""
        return np.full(horizon.count, -self.electric_power_kw), np.zeros(horizon.count)

    def start_eur(self, series: DeviceSeries, horizon: Horizon) -> float:
        """Return the cost of all starts, EUR."""
        return self.start_cost_eur * float(self.commitment(horizon).starts(series["on"]).sum())
