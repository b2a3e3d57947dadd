"""Heat store (buffer tank)."""

from dataclasses import dataclass
from typing import ClassVar

from optimization.engine.checks import require_between, require_ordered
from optimization.engine.devices.base import Device


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatStorage(Device):
    """A hot-water store between the heat producers and the heat load.

    A power limit of None means that the producers and the load are the only limits. Losses are a share of the content.
    `min_soc_percent`, `max_soc_percent` and `final_soc_percent` are wishes. The three temperatures (empty, full,
    lowest useful) turn the content into a temperature where an offer method needs one.
    """

    kind: ClassVar[str] = "heat_storage"

    capacity_kwh: float
    charge_power_kw: float | None = None
    discharge_power_kw: float | None = None
    initial_soc_percent: float = 60.0
    min_soc_percent: float = 10.0
    max_soc_percent: float = 90.0
    final_soc_percent: float | None = 50.0
    loss_percent_per_day: float = 0.0
    empty_temperature_c: float = 18.0
    full_temperature_c: float = 50.0
    useful_temperature_c: float = 20.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("capacity_kwh"), self.capacity_kwh, 0, above=True)
        for name in ("charge_power_kw", "discharge_power_kw"):
            value = getattr(self, name)
            if value is not None:
                require_between(self.field(name), value, 0)
        require_between(self.field("initial_soc_percent"), self.initial_soc_percent, 0, 100)
        require_between(self.field("min_soc_percent"), self.min_soc_percent, 0, 100)
        require_between(self.field("max_soc_percent"), self.max_soc_percent, 0, 100)
        require_ordered(self.field("min_soc_percent"), self.min_soc_percent, "max_soc_percent", self.max_soc_percent)
        if self.final_soc_percent is not None:
            require_between(self.field("final_soc_percent"), self.final_soc_percent, 0, 100)
        require_between(self.field("loss_percent_per_day"), self.loss_percent_per_day, 0, 100)
        require_between(self.field("full_temperature_c"), self.full_temperature_c, self.empty_temperature_c, above=True)
