"""Heat pump with electric power and COP maps."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from optimization.engine.checks import require_between
from optimization.engine.devices.heat_pump_map import TYPICAL_AIR_WATER, HeatPumpMap
from optimization.engine.devices.switched_heat import SwitchedHeatProducer, SwitchedShape
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part
from optimization.engine.reasons import Reasons, Worth, reasons_of_converter
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series, SeriesLike, as_series, checked
from optimization.engine.violations import Violation, unequal


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatPump(SwitchedHeatProducer):
    """A heat pump. `rated_power_kw` is the electric power at +2 °C ambient and the supply temperature.

    Power and COP at the ambient temperature of each step come from the map.
    """

    kind: ClassVar[str] = "heat_pump"
    quantities: ClassVar[frozenset[str]] = frozenset({"power_kw", "heat_kw", "on"})

    rated_power_kw: float
    ambient_temperature_c: SeriesLike
    supply_temperature_c: float = 45.0
    min_power_fraction: float = 0.3
    performance_map: HeatPumpMap = TYPICAL_AIR_WATER

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("rated_power_kw"), self.rated_power_kw, 0, above=True)
        require_between(self.field("supply_temperature_c"), self.supply_temperature_c, 10, 75)
        ambient = as_series(self.ambient_temperature_c, self.field("ambient_temperature_c"), minimum=-60, maximum=60)
        self.keep("ambient_temperature_c", ambient)

    @cached_property
    def _performance(self) -> tuple[Series, Series]:
        ambient = checked(self.ambient_temperature_c)
        return self.performance_map.performance(self.rated_power_kw, self.supply_temperature_c, ambient)

    @property
    def full_power_kw(self) -> Series:
        """Electric power when on at full output, kW per step."""
        return self._performance[0]

    @property
    def cop(self) -> Series:
        """Coefficient of performance per step."""
        return self._performance[1]

    @property
    def full_heat_kw(self) -> Series:
        """Heat when on at full output, kW per step."""
        return self.full_power_kw * self.cop

    def heat_at_full_kw(self, horizon: Horizon) -> Series:
        """Return the heat at full output, kW per step."""
        return self.full_heat_kw

    def shape(self, horizon: Horizon) -> SwitchedShape:
        """Return the shape of the on/off states."""
        return self.switched_shape(horizon, starts=False)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return power and heat at full output in kW per step, and the on/off states."""
        full = {"full_power_kw": self.full_power_kw, "full_heat_kw": self.full_heat_kw}
        return {**full, **self.switched_parameters(horizon)}

    @classmethod
    def build(cls, block: Block, shape: SwitchedShape, grid: Grid) -> Part:
        """Draw P(t) x and make Q(t) x for the output x of each step."""
        output, switch = cls.build_output(block, shape, grid)
        return Part(
            takes_kw=[block.full_power_kw[t] * x for t, x in enumerate(output)],
            heat_kw=[-block.full_heat_kw[t] * x for t, x in enumerate(output)],
            switches=[switch],
        )

    def series(self, on: Series, output: Series) -> DeviceSeries:
        """Return power and heat in kW (heat negative = made) and the state."""
        return {"power_kw": self.full_power_kw * output, "heat_kw": -self.full_heat_kw * output, "on": on}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield states that come too early, outputs outside their range, and heat that does not fit the power."""
        yield from self.output_violations(series["on"], series["power_kw"] / self.full_power_kw, horizon)
        yield from unequal(self.name, "heat from power and COP", -series["heat_kw"], series["power_kw"] * self.cop)

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it runs or rests: what a kWh of heat is worth against the electricity for it."""
        return reasons_of_converter(series["on"], worth.heat, worth.electricity / self.cop)

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return zero and full power."""
        return np.zeros(horizon.count), self.full_power_kw
