"""Heat producers that are on or off, or modulate between a minimum and full output: heat pumps and CHPs."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import pyomo.environ as pyo

from optimization.engine.checks import require_between
from optimization.engine.commitment import Commitment, CommitmentShape
from optimization.engine.devices.base import Device, HeatProducer, State, Thermostat
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Expression, Parameters, Solved, Switch, switched, within
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series
from optimization.engine.violations import Violation, outside


class SwitchedShape(NamedTuple):
    """What shapes the model: whether the output varies while on, and the on/off rules."""

    modulating: bool
    commitment: CommitmentShape


@dataclass(frozen=True, kw_only=True, eq=False)
class SwitchedHeatProducer(Device, HeatProducer):
    """On/off, or modulating down to `min_power_fraction` of full output, with minimum run and rest times.

    The minimum times also hold for the state before the horizon (`initially_on` for `initial_minutes`).
    """

    modulating: bool = False
    min_power_fraction: float = 0.5
    min_run_minutes: float = 0.0
    min_rest_minutes: float = 0.0
    initially_on: bool = False
    initial_minutes: float = math.inf

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("min_power_fraction"), self.min_power_fraction, 0, 1)
        require_between(self.field("min_run_minutes"), self.min_run_minutes, 0)
        require_between(self.field("min_rest_minutes"), self.min_rest_minutes, 0)
        if not self.initial_minutes >= 0:
            raise ProblemError(self.field("initial_minutes"), self.initial_minutes, "at least 0")

    @abstractmethod
    def heat_at_full_kw(self, horizon: Horizon) -> Series:
        """Return the heat at full output, kW per step."""

    @abstractmethod
    def series(self, on: Series, output: Series) -> DeviceSeries:
        """Return all series for the state and the output (share of full output) of each step."""

    def commitment(self, horizon: Horizon) -> Commitment:
        """Return the on/off rules over the horizon."""
        return Commitment(
            min_run_minutes=self.min_run_minutes,
            min_rest_minutes=self.min_rest_minutes,
            initially_on=self.initially_on,
            initial_minutes=self.initial_minutes,
            horizon=horizon,
        )

    def switched_shape(self, horizon: Horizon, *, starts: bool) -> SwitchedShape:
        """Return the shape; `starts` where a start is of consequence in itself."""
        return SwitchedShape(self.modulating, self.commitment(horizon).shape(starts=starts))

    def switched_parameters(self, horizon: Horizon) -> Parameters:
        """Return the lowest output as a share of the full one, and which states each step may have."""
        return {"lowest_output": self.min_power_fraction, **self.commitment(horizon).parameters()}

    @staticmethod
    def build_output(block: Block, shape: SwitchedShape, grid: Grid) -> tuple[list[Expression], Switch]:
        """Add the on/off state and return the output, a share of full output, of each step."""
        switch = Commitment.build(block, shape.commitment, grid)
        steps = grid.steps
        if not shape.modulating:
            return [block.on[t] for t in steps], switch
        block.output = pyo.Var(steps, bounds=(0, 1))
        block.output_high = pyo.Constraint(steps, rule=lambda b, t: b.output[t] <= b.on[t])
        block.output_low = pyo.Constraint(steps, rule=lambda b, t: b.output[t] >= b.lowest_output * b.on[t])
        modulating = replace(switch, output=block.output, lowest=block.lowest_output)
        return [block.output[t] for t in steps], modulating

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return the solved series."""
        on = switched(solved["on"])
        if not self.modulating:
            return self.series(on, on)
        return self.series(on, within(solved["output"], low=self.min_power_fraction * on, high=on))

    def output_violations(self, on: Series, output: Series, horizon: Horizon) -> Iterator[Violation]:
        """Yield states that come too early and outputs outside the range of the state."""
        yield from self.commitment(horizon).violations(self.name, on)
        low = self.min_power_fraction if self.modulating else 1.0
        yield from outside(self.name, "output within its range", output, low * on, on)

    def state_at(self, series: DeviceSeries, horizon: Horizon, step: int) -> State:
        """Return whether it is on, and for how long."""
        return self.commitment(horizon).state_at(series["on"], step)

    def resumed(self, state: State, horizon: Horizon) -> Self:
        """Return it with this state before the horizon."""
        return replace(self, initially_on=bool(state["on"]), initial_minutes=state.get("minutes", math.inf))

    def thermostat(self, horizon: Horizon) -> Thermostat:
        """Return a two-point controller that keeps the minimum times."""
        return _TwoPoint(self, horizon)


class _TwoPoint(Thermostat):
    def __init__(self, device: SwitchedHeatProducer, horizon: Horizon) -> None:
        self._device = device
        self._commitment = device.commitment(horizon)
        self._full_kw = device.heat_at_full_kw(horizon)
        self._on: list[float] = []
        self._output: list[float] = []

    def step(self, step: int, wanted_kw: float, room_kw: float) -> float:
        full = float(self._full_kw[step])
        lowest = full * self._device.min_power_fraction if self._device.modulating else full
        before = self._on[-1] if self._on else float(self._device.initially_on)
        target = float(wanted_kw > 0 and lowest <= room_kw)
        on = target if self._commitment.may_change(self._on, step) else before
        share = min(1.0, max(wanted_kw, lowest) / full) if self._device.modulating else 1.0
        self._on.append(on)
        self._output.append(share * on)
        return full * self._output[-1]

    def series(self) -> DeviceSeries:
        return self._device.series(np.array(self._on), np.array(self._output))
