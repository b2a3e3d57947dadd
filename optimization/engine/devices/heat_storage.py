"""Heat store (buffer tank)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import pyomo.environ as pyo

from optimization.engine.checks import require_band, require_between, require_percent
from optimization.engine.devices.base import Device, State
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part, Solved, within
from optimization.engine.reasons import POWER_KW, Reason, Reasons, Why, Worth
from optimization.engine.schedule import DeviceSeries, Unmet
from optimization.engine.series import Series
from optimization.engine.storage import Content
from optimization.engine.violations import Violation, outside


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatStorage(Device):
    """A hot-water store between the heat producers and the heat load.

    A power limit of None means that the producers and the load are the only limits. Losses are a share of the content.
    `min_soc_percent`, `max_soc_percent` and `final_soc_percent` are wishes. The three temperatures (empty, full,
    lowest useful) turn the content into a temperature where an offer method needs one.
    """

    kind: ClassVar[str] = "heat_storage"
    quantities: ClassVar[frozenset[str]] = frozenset({"heat_kw", "energy_kwh", "soc_percent"})

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
        require_band(self.field, min_soc_percent=self.min_soc_percent, max_soc_percent=self.max_soc_percent)
        require_percent(
            self.field, initial_soc_percent=self.initial_soc_percent, final_soc_percent=self.final_soc_percent
        )
        require_between(self.field("loss_percent_per_day"), self.loss_percent_per_day, 0, 100)
        coldest, hottest = self.empty_temperature_c, self.full_temperature_c
        require_between(self.field("empty_temperature_c"), coldest, -50)
        require_between(self.field("full_temperature_c"), hottest, coldest, above=True)
        require_between(self.field("useful_temperature_c"), self.useful_temperature_c, coldest, hottest)

    def content(self, horizon: Horizon) -> Content:
        """Return the stored heat over the horizon."""
        return Content(
            capacity_kwh=self.capacity_kwh,
            initial_soc_percent=self.initial_soc_percent,
            min_soc_percent=self.min_soc_percent,
            max_soc_percent=self.max_soc_percent,
            final_soc_percent=self.final_soc_percent,
            loss_percent_per_day=self.loss_percent_per_day,
            horizon=horizon,
        )

    @property
    def heat_range_kw(self) -> tuple[float, float]:
        """Lowest (taken out, negative) and highest (put in) heat power, kW; infinite where there is no limit."""
        out = math.inf if self.discharge_power_kw is None else self.discharge_power_kw
        return -out, math.inf if self.charge_power_kw is None else self.charge_power_kw

    def shape(self, horizon: Horizon) -> bool:
        """Tell whether a final level is wished."""
        return self.content(horizon).shape

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return the range of heat power in kW, and the store's content."""
        low, high = self.heat_range_kw
        return {"lowest_heat_kw": low, "highest_heat_kw": high, **self.content(horizon).parameters()}

    @classmethod
    def build(cls, block: Block, shape: bool, grid: Grid) -> Part:
        """Take or give heat q within the power limits; the content grows by q and loses its daily share."""
        block.heat_kw = pyo.Var(grid.steps, bounds=(block.lowest_heat_kw, block.highest_heat_kw))
        part = Part(heat_kw=[block.heat_kw[t] for t in grid.steps])
        Content.build(block, shape, grid, part.heat_kw, part)
        return part

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return heat in kW (positive = charging), content in kWh and percent."""
        low, high = self.heat_range_kw
        return self.series(within(solved["heat_kw"], low=low, high=high), horizon)

    def series(self, heat_kw: Series, horizon: Horizon) -> DeviceSeries:
        """Return the series for a heat power, kW per step."""
        energy = self.content(horizon).energy_kwh(heat_kw)
        return {"heat_kw": heat_kw, "energy_kwh": energy, "soc_percent": energy / self.capacity_kwh * 100}

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield powers beyond the limits and contents that do not add up."""
        low, high = self.heat_range_kw
        yield from outside(self.name, "heat power", series["heat_kw"], low, high)
        energy, soc, gain = series["energy_kwh"], series["soc_percent"], series["heat_kw"]
        yield from self.content(horizon).violations(self.name, energy, soc, gain)

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it takes or gives heat: what a kWh of heat is worth now against later."""

        def reason(heat: float, here: float, later: float) -> Reason | None:
            if abs(heat) <= POWER_KW:
                return None
            return Reason(Why.STORES_HEAT, here, below=later) if heat > 0 else Reason(Why.GIVES_HEAT, here, above=later)

        return list(map(reason, series["heat_kw"], worth.heat, worth.stored[self.name]))

    def state_at(self, series: DeviceSeries, horizon: Horizon, step: int) -> State:
        """Return its state of charge."""
        return {"soc_percent": float(series["soc_percent"][step - 1])}

    def resumed(self, state: State, horizon: Horizon) -> Self:
        """Return it with this state of charge at the start."""
        return replace(self, initial_soc_percent=min(max(state["soc_percent"], 0.0), 100.0))

    def repeated(self, series: DeviceSeries, horizon: Horizon) -> DeviceSeries:
        """Return the series of the same heat from its own initial content."""
        return self.series(series["heat_kw"], horizon)

    def unmet(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Unmet]:
        """Yield steps outside the wished band and a final content that is too low."""
        yield from self.content(horizon).unmet(self.name, series["energy_kwh"])
