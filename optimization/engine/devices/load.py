"""Inflexible electric and heat load."""

from dataclasses import dataclass
from typing import ClassVar

from optimization.engine.devices.base import Device
from optimization.engine.series import SeriesLike, as_series


@dataclass(frozen=True, kw_only=True, eq=False)
class ElectricLoad(Device):
    """Electric demand that must be met, kW per step (0 or more)."""

    kind: ClassVar[str] = "electric_load"

    demand_kw: SeriesLike

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keep("demand_kw", as_series(self.demand_kw, self.field("demand_kw"), minimum=0))


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatLoad(Device):
    """Heat demand, kW per step (0 or more); comfort is a wish, so heat may fall short at a penalty."""

    kind: ClassVar[str] = "heat_load"

    demand_kw: SeriesLike

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keep("demand_kw", as_series(self.demand_kw, self.field("demand_kw"), minimum=0))
