"""Stored energy: content from step to step, its band and its final value; for batteries and heat stores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo

from optimization.engine.horizon import Grid, Horizon
from optimization.engine.parts import Block, Expression, Parameters, Part
from optimization.engine.schedule import Unmet
from optimization.engine.series import Series
from optimization.engine.violations import Violation, exceeding, outside, unequal
from optimization.engine.wishes import Wish, missed

ELECTRIC_STORE = frozenset({"power_kw", "charge_kw", "discharge_kw", "energy_kwh", "soc_percent"})


@dataclass(frozen=True, kw_only=True)
class Content:
    """A store of `capacity_kwh` that keeps the share `kept` of its content per step; levels are in percent.

    `reserve_kwh` is wished at the end of each step beyond the lowest level, as far as the highest level allows it.
    """

    capacity_kwh: float
    initial_soc_percent: float
    min_soc_percent: float
    max_soc_percent: float
    final_soc_percent: float | None
    loss_percent_per_day: float
    horizon: Horizon
    reserve_kwh: Series | None = None

    @property
    def kept(self) -> float:
        """Share of the content that is still there one step later."""
        return float((1 - self.loss_percent_per_day / 100) ** (self.horizon.step_hours / 24))

    def kwh(self, percent: float) -> float:
        """Return a level in kWh."""
        return self.capacity_kwh * percent / 100

    @property
    def low_kwh(self) -> Series:
        """The lowest content that is wished at the end of each step."""
        low = np.full(self.horizon.count, self.kwh(self.min_soc_percent))
        if self.reserve_kwh is None:
            return low
        return np.minimum(low + self.reserve_kwh, self.kwh(self.max_soc_percent))

    @property
    def shape(self) -> bool:
        """Tell whether a final level is wished."""
        return self.final_soc_percent is not None

    def parameters(self) -> Parameters:
        """Return what the model needs of this store, in kWh."""
        final = {} if self.final_soc_percent is None else {"final_kwh": self.kwh(self.final_soc_percent)}
        return {
            "capacity_kwh": self.capacity_kwh,
            "initial_kwh": self.kwh(self.initial_soc_percent),
            "low_kwh": self.low_kwh,
            "high_kwh": self.kwh(self.max_soc_percent),
            "kept": self.kept,
            **final,
        }

    @staticmethod
    def build(block: Block, has_final: bool, grid: Grid, gain_kw: Sequence[Expression], part: Part) -> None:
        """Add content variables, the step-to-step balance and the wishes; `gain_kw` is what reaches the inside."""
        steps = grid.steps
        block.energy_kwh = pyo.Var(steps, bounds=(0, block.capacity_kwh))
        block.below_kwh = pyo.Var(steps, bounds=lambda b, t: (0, b.low_kwh[t]))
        block.above_kwh = pyo.Var(steps, bounds=(0, block.capacity_kwh - block.high_kwh))

        def balance(block: Block, t: int) -> Expression:
            before = block.energy_kwh[t - 1] if t else block.initial_kwh
            return block.energy_kwh[t] == block.kept * before + grid.hours * gain_kw[t]

        block.content = pyo.Constraint(steps, rule=balance)
        block.low = pyo.Constraint(steps, rule=lambda b, t: b.energy_kwh[t] + b.below_kwh[t] >= b.low_kwh[t])
        block.high = pyo.Constraint(steps, rule=lambda b, t: b.energy_kwh[t] - b.above_kwh[t] <= b.high_kwh)
        part.missed += [(Wish.MIN_SOC, block.below_kwh), (Wish.MAX_SOC, block.above_kwh)]
        if has_final:
            last = grid.count - 1
            block.final_missing_kwh = pyo.Var([last], bounds=(0, block.final_kwh))
            block.final = pyo.Constraint(expr=block.energy_kwh[last] + block.final_missing_kwh[last] >= block.final_kwh)
            part.missed.append((Wish.FINAL_SOC, block.final_missing_kwh))

    def energy_kwh(self, gain_kw: Series) -> Series:
        """Return the content at the end of each step for what reaches the inside, kWh."""
        kept, before, energy = self.kept, self.kwh(self.initial_soc_percent), []
        for gain in (self.horizon.step_hours * gain_kw).tolist():
            before = kept * before + gain
            energy.append(before)
        return np.array(energy)

    def violations(self, device: str, energy_kwh: Series, soc_percent: Series, gain_kw: Series) -> Iterator[Violation]:
        """Yield where the content is not what flowed in and out, leaves 0 to 100 %, or differs in kWh and percent."""
        before = np.concatenate([[self.kwh(self.initial_soc_percent)], energy_kwh[:-1]])
        expected = self.kept * before + self.horizon.step_hours * gain_kw
        yield from unequal(device, "stored energy", energy_kwh, expected)
        yield from outside(device, "stored energy within its capacity", energy_kwh, 0.0, self.capacity_kwh)
        yield from unequal(device, "state of charge", soc_percent, energy_kwh / self.capacity_kwh * 100)

    def unmet(self, device: str, energy_kwh: Series) -> Iterator[Unmet]:
        """Yield every step outside the wished band, and a final content that is too low."""
        horizon = self.horizon
        yield from missed(device, Wish.MIN_SOC, horizon, self.low_kwh - energy_kwh)
        yield from missed(device, Wish.MAX_SOC, horizon, energy_kwh - self.kwh(self.max_soc_percent))
        if self.final_soc_percent is not None:
            short = np.zeros(horizon.count)
            short[-1] = self.kwh(self.final_soc_percent) - energy_kwh[-1]
            yield from missed(device, Wish.FINAL_SOC, horizon, short)


def both_at_once(device: str, rule: str, one_kw: Series, other_kw: Series) -> Iterator[Violation]:
    """Yield the steps in which two powers that exclude each other are both above zero."""
    scale = float(np.max(one_kw + other_kw, initial=0.0))
    yield from exceeding(device, rule, np.minimum(one_kw, other_kw), scale)
