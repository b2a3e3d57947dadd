"""Gas boiler."""

from dataclasses import dataclass
from typing import ClassVar

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device


@dataclass(frozen=True, kw_only=True, eq=False)
class Boiler(Device):
    """A modulating gas boiler: heat from 0 to `heat_power_kw`, gas = heat / efficiency."""

    kind: ClassVar[str] = "boiler"

    heat_power_kw: float
    efficiency: float = 0.96

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("heat_power_kw"), self.heat_power_kw, 0)
        require_between(self.field("efficiency"), self.efficiency, 0, 1.1, above=True)
