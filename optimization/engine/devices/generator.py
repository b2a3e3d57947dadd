"""Diesel or other distributed generator with a fuel curve."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

import numpy as np
import pyomo.environ as pyo

from optimization.engine.checks import require_between
from optimization.engine.commitment import Commitment, CommitmentShape
from optimization.engine.devices.base import Device, State, Uncontrolled
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Expression, Parameters, Part, Solved, switched, within
from optimization.engine.reasons import Reasons, Worth, reasons_of_converter
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series
from optimization.engine.violations import Violation, exceeding, outside, unequal


class GeneratorShape(NamedTuple):
    """What shapes the model: segments of the fuel curve, whether it is convex, ramps, and the on/off rules."""

    segments: int
    convex: bool
    ramped: bool
    commitment: CommitmentShape


@dataclass(frozen=True, kw_only=True, eq=False)
class Generator(Device, Uncontrolled):
    """A generator that runs between `min_power_kw` and `power_kw` or stands still.

    `fuel_curve` holds points (power in kW, fuel in litres per hour) from `min_power_kw` to `power_kw`; fuel is
    interpolated between them. `ramp_kw_per_minute` limits the change from one step to the next while running.
    """

    kind: ClassVar[str] = "generator"
    quantities: ClassVar[frozenset[str]] = frozenset({"power_kw", "fuel_l_per_h", "on"})

    power_kw: float
    fuel_curve: tuple[tuple[float, float], ...]
    min_power_kw: float = 0.0
    ramp_kw_per_minute: float | None = None
    start_cost_eur: float = 0.0
    min_run_minutes: float = 0.0
    min_rest_minutes: float = 0.0
    initially_on: bool = False
    initial_minutes: float = math.inf
    initial_power_kw: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("power_kw"), self.power_kw, 0, above=True)
        require_between(self.field("min_power_kw"), self.min_power_kw, 0, self.power_kw)
        if self.ramp_kw_per_minute is not None:
            require_between(self.field("ramp_kw_per_minute"), self.ramp_kw_per_minute, 0, above=True)
        require_between(self.field("start_cost_eur"), self.start_cost_eur, 0)
        require_between(self.field("min_run_minutes"), self.min_run_minutes, 0)
        require_between(self.field("min_rest_minutes"), self.min_rest_minutes, 0)
        if not self.initial_minutes >= 0:
            raise ProblemError(self.field("initial_minutes"), self.initial_minutes, "at least 0")
        low = self.min_power_kw if self.initially_on else 0.0
        high = self.power_kw if self.initially_on else 0.0
        require_between(self.field("initial_power_kw"), self.initial_power_kw, low, high)
        self._check_fuel_curve()

    def _check_fuel_curve(self) -> None:
        field = self.field("fuel_curve")
        try:
            powers = [float(power) for power, _ in self.fuel_curve]
        except (TypeError, ValueError):
            raise ProblemError(field, repr(self.fuel_curve), "points of (power in kW, fuel in l/h)") from None
        if not powers or powers != sorted(set(powers)):
            raise ProblemError(field, self.fuel_curve, "points of rising power")
        if powers[0] != self.min_power_kw or powers[-1] != self.power_kw:
            allowed = f"from min_power_kw ({self.min_power_kw:g}) to power_kw ({self.power_kw:g})"
            raise ProblemError(field, self.fuel_curve, allowed)
        for index, (_, litres_per_hour) in enumerate(self.fuel_curve):
            require_between(f"{field}[{index}]", litres_per_hour, 0)

    def commitment(self, horizon: Horizon) -> Commitment:
        """Return the on/off rules over the horizon."""
        return Commitment(
            min_run_minutes=self.min_run_minutes,
            min_rest_minutes=self.min_rest_minutes,
            initially_on=self.initially_on,
            initial_minutes=self.initial_minutes,
            horizon=horizon,
        )

    def ramp_kw(self, horizon: Horizon) -> float:
        """Return the largest change of power from one step to the next, kW."""
        if self.ramp_kw_per_minute is None:
            return self.power_kw
        return min(self.power_kw, self.ramp_kw_per_minute * horizon.step_hours * 60)

    @property
    def convex(self) -> bool:
        """Tell whether each further segment of the fuel curve costs at least as much per kWh as the one before."""
        (powers, fuels) = zip(*self.fuel_curve, strict=True)
        slopes = np.diff(fuels) / np.diff(powers)
        return bool(np.all(np.diff(slopes) >= -1e-12))

    def shape(self, horizon: Horizon) -> GeneratorShape:
        """Return segments, order, ramps and on/off rules; starts count where they cost or limit ramps."""
        ramped = self.ramp_kw(horizon) < self.power_kw
        commitment = self.commitment(horizon).shape(starts=ramped or self.start_cost_eur > 0)
        return GeneratorShape(len(self.fuel_curve) - 1, self.convex, ramped, commitment)

    def parameters(self, horizon: Horizon) -> Parameters:
        """Return powers in kW, the fuel curve in segments, the cost of a start in EUR, and the on/off states."""
        powers, fuels = np.array(self.fuel_curve, dtype=np.float64).T
        ramp = self.ramp_kw(horizon)
        return {
            "min_power_kw": self.min_power_kw,
            "min_fuel_l_per_h": float(fuels[0]),
            "width_kw": np.diff(powers),
            "slope_l_per_kwh": np.diff(fuels) / np.diff(powers),
            "ramp_kw": ramp,
            "jump_kw": max(ramp, self.min_power_kw),
            "initial_power_kw": self.initial_power_kw,
            "start_eur": self.start_cost_eur,
            **self.commitment(horizon).parameters(),
        }

    @classmethod
    def build(cls, block: Block, shape: GeneratorShape, grid: Grid) -> Part:
        """Run at the minimum plus filled segments of the fuel curve, p = P_min u + sum s_k with s_k <= width_k u.

        Segments fill in order by themselves where the curve is convex; otherwise binaries keep the order.
        """
        steps, segments = grid.steps, range(shape.segments)
        switch = Commitment.build(block, shape.commitment, grid)
        block.segment_kw = pyo.Var(steps, segments, bounds=lambda b, _, k: (0, b.width_kw[k]))
        block.running = pyo.Constraint(
            steps, segments, rule=lambda b, t, k: b.segment_kw[t, k] <= b.width_kw[k] * b.on[t]
        )
        if not shape.convex:
            cls._fill_in_order(block, shape, grid)
        filled = [[block.segment_kw[t, k] for k in segments] for t in steps]
        power = [block.min_power_kw * block.on[t] + sum(filled[t]) for t in steps]
        above = [sum(block.slope_l_per_kwh[k] * kw for k, kw in enumerate(filled[t])) for t in steps]
        if shape.ramped:
            cls._limit_ramps(block, grid, power)
        return Part(
            gives_kw=power,
            fuel_l_per_h=[block.min_fuel_l_per_h * block.on[t] + above[t] for t in steps],
            cost_eur=[block.start_eur * block.start[t] for t in steps] if shape.commitment.starts else [],
            switches=[switch],
        )

    @staticmethod
    def _fill_in_order(block: Block, shape: GeneratorShape, grid: Grid) -> None:
        steps, borders = grid.steps, range(shape.segments - 1)
        block.full = pyo.Var(steps, borders, domain=pyo.Binary)
        block.fill = pyo.Constraint(
            steps, borders, rule=lambda b, t, k: b.segment_kw[t, k] >= b.width_kw[k] * b.full[t, k]
        )
        block.then_next = pyo.Constraint(
            steps, borders, rule=lambda b, t, k: b.segment_kw[t, k + 1] <= b.width_kw[k + 1] * b.full[t, k]
        )

    @staticmethod
    def _limit_ramps(block: Block, grid: Grid, power: list[Expression]) -> None:
        def rise(block: Block, t: int) -> Expression:
            before, was_on = (power[t - 1], block.on[t - 1]) if t else (block.initial_power_kw, block.initially_on)
            return power[t] - before <= block.ramp_kw * was_on + block.jump_kw * block.start[t]

        def fall(block: Block, t: int) -> Expression:
            before = power[t - 1] if t else block.initial_power_kw
            return before - power[t] <= block.ramp_kw * block.on[t] + block.jump_kw * block.stop[t]

        block.rise = pyo.Constraint(grid.steps, rule=rise)
        block.fall = pyo.Constraint(grid.steps, rule=fall)

    def read(self, solved: Solved, horizon: Horizon) -> DeviceSeries:
        """Return power (negative = production), fuel in l/h and the state."""
        on = switched(solved["on"])
        segments = within(solved["segment_kw"]).reshape(horizon.count, -1)
        power = np.clip(self.min_power_kw * on + segments.sum(axis=1), self.min_power_kw * on, self.power_kw * on)
        return {"power_kw": -power, "fuel_l_per_h": self.fuel(power, on), "on": on}

    def fuel(self, power_kw: Series, on: Series) -> Series:
        """Return the fuel of each step, l/h, from the curve."""
        powers, fuels = zip(*self.fuel_curve, strict=True)
        return np.asarray(np.interp(power_kw, powers, fuels) * on)

    def violations(self, series: DeviceSeries, horizon: Horizon) -> Iterator[Violation]:
        """Yield powers outside the range of the state, changes too early or too steep, and fuel off the curve."""
        on, power = series["on"], -series["power_kw"]
        yield from self.commitment(horizon).violations(self.name, on)
        yield from outside(self.name, "power within its range", power, self.min_power_kw * on, self.power_kw * on)
        yield from unequal(self.name, "fuel", series["fuel_l_per_h"], self.fuel(power, on))
        before = np.concatenate([[self.initial_power_kw], power[:-1]])
        was_on = np.concatenate([[float(self.initially_on)], on[:-1]])
        jump = np.where((on > 0) & (was_on > 0), self.ramp_kw(horizon), max(self.ramp_kw(horizon), self.min_power_kw))
        yield from exceeding(self.name, "ramp", np.abs(power - before) - jump, self.power_kw)

    def state_at(self, series: DeviceSeries, horizon: Horizon, step: int) -> State:
        """Return whether it is on, for how long, and what it gives, kW."""
        given = max(0.0, -float(series["power_kw"][step - 1]))
        return {**self.commitment(horizon).state_at(series["on"], step), "power_kw": given}

    def resumed(self, state: State, horizon: Horizon) -> Self:
        """Return it with this state before the horizon."""
        on = bool(state["on"])
        given = min(max(state["power_kw"], self.min_power_kw), self.power_kw) if on else 0.0
        minutes = state.get("minutes", math.inf)
        return replace(self, initially_on=on, initial_minutes=minutes, initial_power_kw=given)

    def reasons(self, series: DeviceSeries, worth: Worth, horizon: Horizon) -> Reasons:
        """Return why it runs or rests: a kWh at the site against its fuel, at the planned power or else at full one."""
        power = np.where(series["on"] > 0, -series["power_kw"], self.power_kw)
        litres = self.fuel(power, np.ones(horizon.count)) / power
        return reasons_of_converter(series["on"], worth.electricity, worth.fuel_eur_per_l * litres)

    def power_range_kw(self, horizon: Horizon) -> tuple[Series, Series]:
        """Return full production and zero."""
        return np.full(horizon.count, -self.power_kw), np.zeros(horizon.count)

    def start_eur(self, series: DeviceSeries, horizon: Horizon) -> float:
        """Return the cost of all starts, EUR."""
        return self.start_cost_eur * float(self.commitment(horizon).starts(series["on"]).sum())

    def uncontrolled(self, horizon: Horizon) -> DeviceSeries:
        """Stand still as soon as the minimum run time and the ramp allow."""
        commitment, ramp = self.commitment(horizon), self.ramp_kw(horizon)
        power, before = np.zeros(horizon.count), self.initial_power_kw
        states: list[float] = []
        for step in range(horizon.count):
            was_on = states[-1] if states else float(self.initially_on)
            may_stop = commitment.may_change(states, step) and before <= max(ramp, self.min_power_kw)
            states.append(float(was_on and not may_stop))
            before = max(self.min_power_kw, before - ramp) if states[-1] else 0.0
            power[step] = before
        on = np.array(states)
        return {"power_kw": -power, "fuel_l_per_h": self.fuel(power, on), "on": on}
