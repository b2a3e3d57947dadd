"""Stationary battery."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import pyomo.environ as pyo

from optimization.engine.checks import require_band, require_between, require_percent
from optimization.engine.devices.base import Device, State, Uncontrolled
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Parameters, Part, Solved, within
from optimization.engine.reasons import Reasons, Worth, reasons_of_store
from optimization.engine.schedule import DeviceSeries, Unmet
from optimization.engine.series import Series
from optimization.engine.storage import ELECTRIC_STORE, Content, both_at_once
from optimization.engine.violations import Violation, outside, unequal


@dataclass(frozen=True, kw_only=True, eq=False)
class Battery(Device, Uncontrolled):
    """A battery at the AC side of its inverter.

    Powers in kW and wear in EUR per kWh count at the AC side; `capacity_kwh` and every state of charge count inside.
    `min_soc_percent`, `max_soc_percent` and `final_soc_percent` (at the end of the horizon) are wishes, and so is
    `reserve_kwh` beyond the lowest level at the end of each step, for what may come otherwise than forecast.
    """

    kind: ClassVar[str] = "battery"
    quantities: ClassVar[frozenset[str]] = ELECTRIC_STORE

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
    reserve_kwh: Series | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("capacity_kwh"), self.capacity_kwh, 0, above=True)
        require_between(self.field("charge_power_kw"), self.charge_power_kw, 0)
        require_between(self.field("discharge_power_kw"), self.discharge_power_kw, 0)
        require_between(self.field("charge_efficiency"), self.charge_efficiency, 0, 1, above=True)
        require_between(self.field("discharge_efficiency"), self.discharge_efficiency, 0, 1, above=True)
        require_band(self.field, min_soc_percent=self.min_soc_percent, max_soc_percent=self.max_soc_percent)
        require_percent(
            self.field, initial_soc_percent=self.initial_soc_percent, final_soc_percent=self.final_soc_percent
        )
        require_between(self.field("self_discharge_percent_per_day"), self.self_discharge_percent_per_day, 0, 100)
        require_between(self.field("wear_cost_eur_per_kwh"), self.wear_cost_eur_per_kwh, 0)

    def content(self, horizon: Horizon) -> Content:
        """Return the stored energy of this battery over the horizon."""
        return Content(
            capacity_kwh=self.capacity_kwh,
            initial_soc_percent=self.initial_soc_percent,
            min_soc_percent=self.min_soc_percent,
            max_soc_percent=self.max_soc_percent,
            final_soc_percent=self.final_soc_percent,
            loss_percent_per_day=self.self_discharge_percent_per_day,
            horizon=horizon,
            reserve_kwh=self.reserve_kwh,
        )

    def shape(self, horizon: Horizon) -> bool:
        """Tell whether a final level is wished."""
        return self.content(horizon).shape

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return power limits in kW, efficiency and loss, wear in EUR/kWh, and the store's content."""
        return {
            "max_charge_kw": self.charge_power_kw,
            "max_discharge_kw": self.discharge_power_kw,
            "charge_efficiency": self.charge_efficiency,
            "drawn_per_discharged": 1 / self.discharge_efficiency,
            "wear_eur_per_kwh": self.wear_cost_eur_per_kwh,
            **self.content(horizon).parameters(),
        }

    @classmethod
    def build(cls, block: Block, shape: bool, grid: Grid) -> Part:
        """Charge c or discharge d, never both: c <= C y, d <= D (1 - y), content grows by eta_c c - d / eta_d."""
        steps = grid.steps
        block.charge_kw = pyo.Var(steps, bounds=(0, block.max_charge_kw))
        block.discharge_kw = pyo.Var(steps, bounds=(0, block.max_discharge_kw))
        block.charging = pyo.Var(steps, domain=pyo.Binary)
        block.only_charge = pyo.Constraint(steps, rule=lambda b, t: b.charge_kw[t] <= b.max_charge_kw * b.charging[t])
        block.only_discharge = pyo.Constraint(
            steps, rule=lambda b, t: b.discharge_kw[t] <= b.max_discharge_kw * (1 - b.charging[t])
        )
        part = Part(
            takes_kw=[block.charge_kw[t] for t in steps],
            gives_kw=[block.discharge_kw[t] for t in steps],
            cost_eur=[block.wear_eur_per_kwh * grid.hours * block.discharge_kw[t] for t in steps],
            exclusive=[(block.charging, block.charge_kw, block.discharge_kw)],
        )
        gain = [
            block.charge_efficiency * block.charge_kw[t] - block.drawn_per_discharged * block.discharge_kw[t]
            for t in steps
        ]
        Content.build(block, shape, grid, gain, part)
        return part

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return powers in kW, content in kWh and percent."""
        charge = within(solved["charge_kw"], high=self.charge_power_kw)
        discharge = within(solved["discharge_kw"], high=self.discharge_power_kw)
        return self._series(charge, discharge, horizon)

    def _series(self, charge_kw: Series, discharge_kw: Series, horizon: Horizon) -> DeviceSeries:
        energy = self.content(horizon).energy_kwh(self._gain_kw(charge_kw, discharge_kw))
        return {
            "power_kw": charge_kw - discharge_kw,
            "charge_kw": charge_kw,
            "discharge_kw": discharge_kw,
            "energy_kwh": energy,
            "soc_percent": energy / self.capacity_kwh * 100,
        }

    def _gain_kw(self, charge_kw: Series, discharge_kw: Series) -> Series:
        return self.charge_efficiency * charge_kw - discharge_kw / self.discharge_efficiency

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield powers beyond the inverter, charging while discharging, and contents that do not add up."""
        charge, discharge = series["charge_kw"], series["discharge_kw"]
        yield from outside(self.name, "charging power", charge, 0.0, self.charge_power_kw)
        yield from outside(self.name, "discharging power", discharge, 0.0, self.discharge_power_kw)
        yield from both_at_once(self.name, "charging and discharging at once", charge, discharge)
        yield from unequal(self.name, "power", series["power_kw"], charge - discharge)
        energy, soc, gain = series["energy_kwh"], series["soc_percent"], self._gain_kw(charge, discharge)
        yield from self.content(horizon).violations(self.name, energy, soc, gain)

    def unmet(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Unmet]:
        """Yield steps outside the wished band and a final content that is too low."""
        yield from self.content(horizon).unmet(self.name, series["energy_kwh"])

    def state_at(self, series: DeviceSeries, horizon: Horizon, step: int) -> State:
        """Return its state of charge."""
        return {"soc_percent": float(series["soc_percent"][step - 1])}

    def resumed(self, state: State, horizon: Horizon) -> Self:
        """Return it with this state of charge at the start."""
        return replace(self, initial_soc_percent=min(max(state["soc_percent"], 0.0), 100.0))

    def repeated(self, series: DeviceSeries, horizon: Horizon) -> DeviceSeries:
        """Return the series of the same powers from its own initial content."""
        return self._series(series["charge_kw"], series["discharge_kw"], horizon)

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it charges, discharges or waits: what a kWh is worth now against later, losses and wear paid."""
        content, stored = self.content(horizon), worth.stored[self.name]
        return reasons_of_store(
            series["power_kw"],
            series["energy_kwh"],
            (content.low_kwh, content.kwh(self.max_soc_percent)),
            worth.electricity,
            stored * self.charge_efficiency,
            stored / self.discharge_efficiency + self.wear_cost_eur_per_kwh,
        )

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return full discharge and full charge."""
        return np.full(horizon.count, -self.discharge_power_kw), np.full(horizon.count, self.charge_power_kw)

    def wear_eur(self, series: DeviceSeries, horizon: Horizon) -> float:
        """Return the wear of all energy discharged, EUR."""
        return self.wear_cost_eur_per_kwh * horizon.step_hours * float(series["discharge_kw"].sum())

    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Stand still: a battery without control does nothing."""
        return self._series(np.zeros(horizon.count), np.zeros(horizon.count), horizon)
