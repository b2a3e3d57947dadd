"""Decisions as genes: whole numbers that choose among alternatives, repaired so that the decision itself is allowed.

A guide is a whole plan as a value per column of the model: the rounded relaxation, the uncontrolled plan, the last
plan. A gene may say "as in guide k" for its block of steps, so that every guide is one point of the search and
crossover mixes plans by the hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from optimization.engine.compiled import Places, Switching
from optimization.engine.devices import Battery
from optimization.engine.heuristics.dispatch import Bounds
from optimization.engine.horizon import Horizon
from optimization.engine.rounding import nearest_states
from optimization.engine.series import Series

Genes = npt.NDArray[np.int64]
BANDS = 20


class Decision(Protocol):
    """A part of the genome."""

    @property
    def sizes(self) -> list[int]:
        """Return the number of alternatives of each gene."""

    def decide(self, genes: Genes, bounds: Bounds) -> None:
        """Write what the genes say, repaired, into the bounds of the columns."""

    def as_guide(self, index: int) -> Genes:
        """Return the genes that say the same as a guide."""


@dataclass(frozen=True, eq=False)
class SwitchDecision:
    """On/off per block of steps: off, as in one of the guides, or on; repaired to keep minimum run and rest times."""

    switching: Switching
    initially: float
    low: Series
    high: Series
    guides: Sequence[Series]
    block: int

    @property
    def sizes(self) -> list[int]:
        """Return one gene per block of steps."""
        return [len(self.guides) + 2] * -(-len(self.low) // self.block)

    def decide(self, genes: Genes, bounds: Bounds) -> None:
        """Fix the states nearest to what the genes say."""
        count = len(self.low)
        said = np.vstack([np.zeros(count), *self.guides, np.ones(count)])
        wanted = said[np.repeat(genes, self.block)[:count], np.arange(count)]
        states = nearest_states(
            on_cost=1 - wanted,
            off_cost=wanted,
            low=self.low,
            high=self.high,
            switching=self.switching,
            initially=self.initially,
        )
        for bound in bounds:
            bound[self.switching.on] = states

    def as_guide(self, index: int) -> Genes:
        """Return the guide in every block."""
        return np.full(len(self.sizes), index + 1)


@dataclass(frozen=True, eq=False)
class ChoiceDecision:
    """One of several columns is 1, the others are 0: the start of a process."""

    columns: Places
    guides: Sequence[Series]

    @property
    def sizes(self) -> list[int]:
        """Return one gene, the place in `columns`."""
        return [len(self.columns)]

    def decide(self, genes: Genes, bounds: Bounds) -> None:
        """Fix the chosen column at 1 and the others at 0."""
        for bound in bounds:
            bound[self.columns] = 0.0
            bound[self.columns[genes[0]]] = 1.0

    def as_guide(self, index: int) -> Genes:
        """Return the place of the largest value in the guide."""
        return np.array([self.guides[index].argmax()])


@dataclass(frozen=True, eq=False)
class StagesDecision:
    """Stages that each take one of the same steps, in their order: a process with breaks.

    `columns` has a row per stage and a column per step that may be used.
    """

    columns: Places
    guides: Sequence[Series]

    @property
    def sizes(self) -> list[int]:
        """Return one gene per stage, its place among the usable steps."""
        stages, steps = self.columns.shape
        return [steps] * stages

    def decide(self, genes: Genes, bounds: Bounds) -> None:
        """Sort the stages, move those that collide, and leave room for the ones to come."""
        stages, steps = self.columns.shape
        order = np.arange(stages)
        spaced = np.maximum.accumulate(np.sort(genes) - order)
        places = np.clip(spaced, 0, steps - stages) + order
        for bound in bounds:
            bound[self.columns] = 0.0
            bound[self.columns[order, places]] = 1.0

    def as_guide(self, index: int) -> Genes:
        """Return the place of each stage in the guide."""
        return np.asarray(self.guides[index].reshape(self.columns.shape).argmax(axis=1), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class EitherOrDecision:
    """Either/or columns that a plan has left open: two opposites, segments of a fuel curve that is not convex."""

    columns: Places
    guides: Sequence[Series]

    @property
    def sizes(self) -> list[int]:
        """Return one gene per column."""
        return [2] * len(self.columns)

    def decide(self, genes: Genes, bounds: Bounds) -> None:
        """Fix the columns."""
        for bound in bounds:
            bound[self.columns] = genes

    def as_guide(self, index: int) -> Genes:
        """Return the states of the guide."""
        return (self.guides[index] > 0.5).astype(np.int64)


@dataclass(frozen=True, eq=False)
class ContentDecision:
    """The content of a battery at the end of each block, as one of `BANDS` bands of its capacity.

    Each band is cut to what can be reached from the band before and still reaches the wished final content, so every
    genome has a course; within the band the linear programme is free.
    """

    battery: Battery
    horizon: Horizon
    energy: Places
    guides: Sequence[Series]
    block: int

    @property
    def sizes(self) -> list[int]:
        """Return one gene per block."""
        return [BANDS] * len(self._ends)

    @property
    def _ends(self) -> Places:
        count = len(self.energy)
        return np.unique(np.append(np.arange(self.block - 1, count, self.block), count - 1))

    def decide(self, genes: Genes, bounds: Bounds) -> None:
        """Bound the content at the end of each block."""
        content, hours = self.battery.content(self.horizon), self.horizon.step_hours
        rise = hours * self.battery.charge_power_kw * self.battery.charge_efficiency
        fall = hours * self.battery.discharge_power_kw / self.battery.discharge_efficiency
        width, floor = self.battery.capacity_kwh / BANDS, self._least_kwh(rise)
        ceiling = content.kwh(self.battery.max_soc_percent)
        low, high = bounds
        lowest = highest = content.kwh(self.battery.initial_soc_percent)
        band = dict(zip(self._ends.tolist(), genes.tolist(), strict=True))
        for step, column in enumerate(self.energy):
            lowest = max(content.kept * lowest - fall, 0.0, min(floor[step], content.kept * highest + rise))
            highest = min(content.kept * highest + rise, max(ceiling, lowest))
            if step in band:
                lowest, highest = np.clip([band[step] * width, (band[step] + 1) * width], lowest, highest)
                low[column], high[column] = max(low[column], lowest), min(high[column], highest)

    def _least_kwh(self, rise: float) -> list[float]:
        """Return the least content of each step within the wished band that still reaches the wished final content."""
        content = self.battery.content(self.horizon)
        wished = content.kwh(self.battery.min_soc_percent)
        least = max(wished, content.kwh(self.battery.final_soc_percent or 0.0))
        floor = []
        for _ in self.energy:
            floor.append(least)
            least = max(wished, (least - rise) / content.kept)
        return floor[::-1]

    def as_guide(self, index: int) -> Genes:
        """Return the bands in which the guide's contents lie."""
        shares = self.guides[index][self._ends] / self.battery.capacity_kwh
        return np.clip((shares * BANDS).astype(np.int64), 0, BANDS - 1)
