"""Diesel or other distributed generator with a fuel curve."""

import math
from dataclasses import dataclass
from typing import ClassVar

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device
from optimization.engine.errors import ProblemError


@dataclass(frozen=True, kw_only=True, eq=False)
class Generator(Device):
    """A generator that runs between `min_power_kw` and `power_kw` or stands still.

    `fuel_curve` holds points (power in kW, fuel in litres per hour) from `min_power_kw` to `power_kw`; fuel is
    interpolated between them. `ramp_kw_per_minute` limits the change from one step to the next while running.
    """

    kind: ClassVar[str] = "generator"

    power_kw: float
    fuel_curve: tuple[tuple[float, float], ...]
    min_power_kw: float = 0.0
    ramp_kw_per_minute: float | None = None
    start_cost_eur: float = 0.0
    min_run_minutes: float = 0.0
    min_rest_minutes: float = 0.0
    initially_on: bool = False
    initial_minutes: float = math.inf
    initial_power_kw: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("power_kw"), self.power_kw, 0, above=True)
        require_between(self.field("min_power_kw"), self.min_power_kw, 0, self.power_kw)
        if self.ramp_kw_per_minute is not None:
            require_between(self.field("ramp_kw_per_minute"), self.ramp_kw_per_minute, 0, above=True)
        require_between(self.field("start_cost_eur"), self.start_cost_eur, 0)
        require_between(self.field("min_run_minutes"), self.min_run_minutes, 0)
        require_between(self.field("min_rest_minutes"), self.min_rest_minutes, 0)
        if not self.initial_minutes >= 0:
            raise ProblemError(self.field("initial_minutes"), self.initial_minutes, "at least 0")
        low = self.min_power_kw if self.initially_on else 0.0
        high = self.power_kw if self.initially_on else 0.0
        require_between(self.field("initial_power_kw"), self.initial_power_kw, low, high)
        self._check_fuel_curve()

    def _check_fuel_curve(self) -> None:
        field = self.field("fuel_curve")
        powers = [power for power, _ in self.fuel_curve]
        if len(powers) < 2 or powers != sorted(set(powers)):
            raise ProblemError(field, self.fuel_curve, "at least two points of rising power")
        if powers[0] != self.min_power_kw or powers[-1] != self.power_kw:
            allowed = f"from min_power_kw ({self.min_power_kw:g}) to power_kw ({self.power_kw:g})"
            raise ProblemError(field, self.fuel_curve, allowed)
        for index, (_, litres_per_hour) in enumerate(self.fuel_curve):
            require_between(f"{field}[{index}]", litres_per_hour, 0)
