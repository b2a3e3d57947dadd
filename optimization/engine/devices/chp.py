"""Combined heat and power unit (gas)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device
from optimization.engine.errors import ProblemError


@dataclass(frozen=True, kw_only=True, eq=False)
class Chp(Device):
    """A gas engine that makes `electric_power_kw` and heat; on/off, or modulating down to `min_power_fraction`.

    Efficiencies are shares of the gas input. Minimum times as for the heat pump.
    """

    kind: ClassVar[str] = "chp"

    electric_power_kw: float
    electric_efficiency: float = 0.30
    thermal_efficiency: float = 0.65
    modulating: bool = False
    min_power_fraction: float = 0.5
    min_run_minutes: float = 0.0
    min_rest_minutes: float = 0.0
    start_cost_eur: float = 0.0
    initially_on: bool = False
    initial_minutes: float = math.inf

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("electric_power_kw"), self.electric_power_kw, 0, above=True)
        require_between(self.field("electric_efficiency"), self.electric_efficiency, 0, 1, above=True)
        require_between(self.field("thermal_efficiency"), self.thermal_efficiency, 0, 1)
        total = self.electric_efficiency + self.thermal_efficiency
        if total > 1.2:
            allowed = "a total of at most 1.2 with electric_efficiency (calorific value, condensing)"
            raise ProblemError(self.field("thermal_efficiency"), self.thermal_efficiency, allowed)
        require_between(self.field("min_power_fraction"), self.min_power_fraction, 0, 1)
        require_between(self.field("min_run_minutes"), self.min_run_minutes, 0)
        require_between(self.field("min_rest_minutes"), self.min_rest_minutes, 0)
        require_between(self.field("start_cost_eur"), self.start_cost_eur, 0)
        if not self.initial_minutes >= 0:
            raise ProblemError(self.field("initial_minutes"), self.initial_minutes, "at least 0")

    @property
    def full_gas_kw(self) -> float:
        """Gas input at full power, kW."""
        return self.electric_power_kw / self.electric_efficiency

    @property
    def full_heat_kw(self) -> float:
        """Heat at full power, kW."""
        return self.full_gas_kw * self.thermal_efficiency
