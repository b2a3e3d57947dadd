"""Photovoltaic and wind plants."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device, Uncontrolled
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part, Solved, within
from optimization.engine.reasons import POWER_KW, Reason, Reasons, Why, Worth
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series, SeriesLike, as_series, checked
from optimization.engine.violations import Violation, outside, unequal


@dataclass(frozen=True, kw_only=True, eq=False)
class Renewable(Device, Uncontrolled):
    """A plant that makes up to `capacity_kw` times the yield of the step; surplus may be curtailed where allowed.

    `yield_kw_per_kw` is the forecast AC power per kW of capacity, one value per step, 0 to 1.5.
    """

    quantities: ClassVar[frozenset[str]] = frozenset({"power_kw", "curtailed_kw"})
    given: ClassVar[bool] = True

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
        return self.capacity_kw * checked(self.yield_kw_per_kw)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return what must and what can be produced, kW per step."""
        available = self.available_kw
        return {"least_kw": np.zeros(horizon.count) if self.curtailable else available, "available_kw": available}

    @classmethod
    def build(cls, block: Block, shape: Any, grid: Grid) -> Part:
        """Produce p with 0 <= p <= available, or p = available where curtailing is not allowed."""
        block.produced_kw = pyo.Var(grid.steps, bounds=lambda b, t: (b.least_kw[t], b.available_kw[t]))
        return Part(gives_kw=[block.produced_kw[t] for t in grid.steps])

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return power and curtailed power, kW."""
        produced = within(solved["produced_kw"], high=self.available_kw)
        if not self.curtailable:
            produced = self.available_kw
        return {"power_kw": -produced, "curtailed_kw": self.available_kw - produced}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield production outside what is available."""
        low = np.zeros(horizon.count) if self.curtailable else self.available_kw
        yield from outside(
            self.name, "production within what is available", -series["power_kw"], low, self.available_kw
        )
        yield from unequal(self.name, "curtailed power", series["curtailed_kw"], self.available_kw + series["power_kw"])

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it is curtailed where it is."""
        curtailed = series["curtailed_kw"] > POWER_KW
        here = worth.electricity
        return [Reason(Why.CURTAILED, here[step]) if less else None for step, less in enumerate(curtailed)]

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return full production and, where curtailable, zero."""
        return -self.available_kw, np.zeros(horizon.count) if self.curtailable else -self.available_kw

    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Produce all that is available."""
        return {"power_kw": -self.available_kw, "curtailed_kw": np.zeros(horizon.count)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Photovoltaic(Renewable):
    """A photovoltaic plant."""

    kind: ClassVar[str] = "pv"


@dataclass(frozen=True, kw_only=True, eq=False)
class Wind(Renewable):
    """A wind plant."""

    kind: ClassVar[str] = "wind"
