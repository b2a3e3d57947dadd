"""Photovoltaic and wind plants."""

from dataclasses import dataclass
from typing import ClassVar

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device
from optimization.engine.series import Series, SeriesLike, as_series


@dataclass(frozen=True, kw_only=True, eq=False)
class Renewable(Device):
    """A plant that makes up to `capacity_kw` times the yield of the step; surplus may be curtailed where allowed.

    `yield_kw_per_kw` is the forecast AC power per kW of capacity, one value per step, 0 to 1.5.
    """

    capacity_kw: float
    yield_kw_per_kw: SeriesLike
    curtailable: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("capacity_kw"), self.capacity_kw, 0)
        self.keep(
            "yield_kw_per_kw", as_series(self.yield_kw_per_kw, self.field("yield_kw_per_kw"), minimum=0, maximum=1.5)
        )

    @property
    def available_kw(self) -> Series:
        """Power that could be produced in each step, kW (0 or more)."""
        return self.capacity_kw * as_series(self.yield_kw_per_kw, self.field("yield_kw_per_kw"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Photovoltaic(Renewable):
    """A photovoltaic plant."""

    kind: ClassVar[str] = "pv"


@dataclass(frozen=True, kw_only=True, eq=False)
class Wind(Renewable):
    """A wind plant."""

    kind: ClassVar[str] = "wind"
