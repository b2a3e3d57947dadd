"""Inflexible electric and heat load."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyomo.environ as pyo

from optimization.engine.devices.base import Device, Uncontrolled
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part, Solved, within
from optimization.engine.schedule import DeviceSeries, Unmet
from optimization.engine.series import Series, SeriesLike, as_series, checked
from optimization.engine.violations import Violation, outside, unequal
from optimization.engine.wishes import Wish, missed


@dataclass(frozen=True, kw_only=True, eq=False)
class Load(Device):
    """Demand in kW per step, 0 or more."""

    demand_kw: SeriesLike

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keep("demand_kw", as_series(self.demand_kw, self.field("demand_kw"), minimum=0))

    @property
    def demand(self) -> Series:
        """Demand as an array, kW per step."""
        return checked(self.demand_kw)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return the demand, kW per step."""
        return {"demand_kw": self.demand}


@dataclass(frozen=True, kw_only=True, eq=False)
class ElectricLoad(Load, Uncontrolled):
    """Electric demand that must be met, kW per step (0 or more)."""

    kind: ClassVar[str] = "electric_load"
    quantities: ClassVar[frozenset[str]] = frozenset({"power_kw"})
    given: ClassVar[bool] = True

    @classmethod
    def build(cls, block: Block, shape: Any, grid: Grid) -> Part:
        """Draw the demand."""
        return Part(takes_kw=[block.demand_kw[t] for t in grid.steps])

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return the demand, kW."""
        return {"power_kw": self.demand}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield steps in which the demand is not met."""
        yield from unequal(self.name, "electric demand", series["power_kw"], self.demand)

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return the demand twice."""
        return self.demand, self.demand

    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Return the demand, kW."""
        return {"power_kw": self.demand}


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatLoad(Load):
    """Heat demand, kW per step (0 or more); comfort is a wish, so heat may fall short at a penalty."""

    kind: ClassVar[str] = "heat_load"
    quantities: ClassVar[frozenset[str]] = frozenset({"heat_kw"})

    @classmethod
    def build(cls, block: Block, shape: Any, grid: Grid) -> Part:
        """Take the demand less what is missing."""
        block.missing_kwh = pyo.Var(grid.steps, bounds=lambda b, t: (0, b.demand_kw[t] * grid.hours))
        supplied = [block.demand_kw[t] - block.missing_kwh[t] / grid.hours for t in grid.steps]
        return Part(heat_kw=supplied, missed=[(Wish.HEAT_DEMAND, block.missing_kwh)])

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return the heat supplied, kW."""
        missing = within(solved["missing_kwh"], high=self.demand * horizon.step_hours)
        return {"heat_kw": self.demand - missing / horizon.step_hours}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield steps that take more than the demand or less than nothing."""
        yield from outside(self.name, "heat demand", series["heat_kw"], 0.0, self.demand)

    def unmet(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Unmet]:
        """Yield the steps in which heat is missing."""
        missing = (self.demand - series["heat_kw"]) * horizon.step_hours
        yield from missed(self.name, Wish.HEAT_DEMAND, horizon, missing)
