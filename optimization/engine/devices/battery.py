"""Stationary battery."""

from dataclasses import dataclass
from typing import ClassVar

from optimization.engine.checks import require_between, require_ordered
from optimization.engine.devices.base import Device


@dataclass(frozen=True, kw_only=True, eq=False)
class Battery(Device):
    """A battery at the AC side of its inverter.

    Powers in kW and wear in EUR per kWh count at the AC side; `capacity_kwh` and every state of charge count inside.
    `min_soc_percent`, `max_soc_percent` and `final_soc_percent` (at the end of the horizon) are wishes.
    """

    kind: ClassVar[str] = "battery"

    capacity_kwh: float
    charge_power_kw: float
    discharge_power_kw: float
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    initial_soc_percent: float = 50.0
    min_soc_percent: float = 10.0
    max_soc_percent: float = 90.0
    final_soc_percent: float | None = 50.0
    self_discharge_percent_per_day: float = 0.0
    wear_cost_eur_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("capacity_kwh"), self.capacity_kwh, 0, above=True)
        require_between(self.field("charge_power_kw"), self.charge_power_kw, 0)
        require_between(self.field("discharge_power_kw"), self.discharge_power_kw, 0)
        require_between(self.field("charge_efficiency"), self.charge_efficiency, 0, 1, above=True)
        require_between(self.field("discharge_efficiency"), self.discharge_efficiency, 0, 1, above=True)
        require_between(self.field("initial_soc_percent"), self.initial_soc_percent, 0, 100)
        require_between(self.field("min_soc_percent"), self.min_soc_percent, 0, 100)
        require_between(self.field("max_soc_percent"), self.max_soc_percent, 0, 100)
        require_ordered(self.field("min_soc_percent"), self.min_soc_percent, "max_soc_percent", self.max_soc_percent)
        if self.final_soc_percent is not None:
            require_between(self.field("final_soc_percent"), self.final_soc_percent, 0, 100)
        require_between(self.field("self_discharge_percent_per_day"), self.self_discharge_percent_per_day, 0, 100)
        require_between(self.field("wear_cost_eur_per_kwh"), self.wear_cost_eur_per_kwh, 0)
