"""Heat pump with electric power and COP maps."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device
from optimization.engine.devices.heat_pump_map import TYPICAL_AIR_WATER, HeatPumpMap
from optimization.engine.errors import ProblemError
from optimization.engine.series import Series, SeriesLike, as_series


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatPump(Device):
    """A heat pump that is on or off, or modulates down to `min_power_fraction` of its full power.

    `rated_power_kw` is the electric power at +2 °C ambient; the map gives power and COP at the ambient temperature.
    The minimum run and rest times also hold for the state before the horizon (`initially_on` for `initial_minutes`).
    """

    kind: ClassVar[str] = "heat_pump"

    rated_power_kw: float
    ambient_temperature_c: SeriesLike
    supply_temperature_c: float = 45.0
    modulating: bool = False
    min_power_fraction: float = 0.3
    min_run_minutes: float = 0.0
    min_rest_minutes: float = 0.0
    initially_on: bool = False
    initial_minutes: float = math.inf
    performance_map: HeatPumpMap = TYPICAL_AIR_WATER

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("rated_power_kw"), self.rated_power_kw, 0, above=True)
        require_between(self.field("supply_temperature_c"), self.supply_temperature_c, 10, 75)
        require_between(self.field("min_power_fraction"), self.min_power_fraction, 0, 1)
        require_between(self.field("min_run_minutes"), self.min_run_minutes, 0)
        require_between(self.field("min_rest_minutes"), self.min_rest_minutes, 0)
        if not self.initial_minutes >= 0:
            raise ProblemError(self.field("initial_minutes"), self.initial_minutes, "at least 0")
        self.keep(
            "ambient_temperature_c",
            as_series(self.ambient_temperature_c, self.field("ambient_temperature_c"), minimum=-60, maximum=60),
        )

    @cached_property
    def _performance(self) -> tuple[Series, Series]:
        ambient = as_series(self.ambient_temperature_c, self.field("ambient_temperature_c"))
        return self.performance_map.performance(self.rated_power_kw, self.supply_temperature_c, ambient)

    @property
    def full_power_kw(self) -> Series:
        """Electric power when on at full power, kW per step."""
        return self._performance[0]

    @property
    def cop(self) -> Series:
        """Coefficient of performance per step."""
        return self._performance[1]

    @property
    def full_heat_kw(self) -> Series:
        """Heat when on at full power, kW per step."""
        return self.full_power_kw * self.cop
