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
STILL, FREE = BANDS, BANDS + 1
STILL_KWH = 1e-6


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
    """What a battery holds at the end of each block: one of `BANDS` bands; or it stands still, or is left free.

    Each band is cut to what can be reached from the band before and still reaches the wished final content, so every
    genome has a course. Within the bands the linear programme is free, and on the way from one to the next it stays
    between them.
    """

    battery: Battery
    horizon: Horizon
    energy: Places
    powers: Places
    guides: Sequence[Series]
    block: int

    @property
    def sizes(self) -> list[int]:
        """Return one gene per block: the bands from empty to full, standing still, and left free."""
        return [BANDS + 2] * len(self._blocks)

    @property
    def _blocks(self) -> list[slice]:
        count = len(self.energy)
        return [slice(first, min(first + self.block, count)) for first in range(0, count, self.block)]

    def decide(self, genes: Genes, bounds: Bounds) -> None:
        """Bound the content of each step, or fix the powers at 0."""
        low, high = bounds
        width, lowest, highest = self.battery.capacity_kwh / BANDS, *self._initial_kwh
        reachable = _Reachable(self.battery, self.horizon)
        for gene, place in zip(genes.tolist(), self._blocks, strict=True):
            if gene == STILL and reachable.may_stand_still(lowest, place.stop - 1):
                high[self.powers[:, place]] = 0.0
                kept = reachable.kept ** (place.stop - place.start)
                lowest, highest = lowest * kept, highest * kept
                continue
            before = lowest, highest
            for step in range(place.start, place.stop):
                lowest, highest = reachable.after(lowest, highest, step)
            if gene == FREE:
                continue
            if gene < BANDS:
                lowest, highest = np.clip([gene * width, (gene + 1) * width], lowest, highest).tolist()
            between = self.energy[place.start : place.stop - 1]
            low[between] = np.maximum(low[between], min(before[0] * reachable.kept**self.block, lowest))
            high[between] = np.minimum(high[between], max(before[1], highest))
            last = self.energy[place.stop - 1]
            low[last], high[last] = max(low[last], lowest), min(high[last], highest)

    @property
    def _initial_kwh(self) -> tuple[float, float]:
        initial = self.battery.content(self.horizon).kwh(self.battery.initial_soc_percent)
        return initial, initial

    def as_guide(self, index: int) -> Genes:
        """Return all free for the first guide, else the bands in which its contents lie, or that it stands still."""
        if index == 0:
            return np.full(len(self.sizes), FREE)
        guide = self.guides[index]
        before = np.concatenate([self._initial_kwh[:1], guide[:-1]])
        kept = self.battery.content(self.horizon).kept
        moves = np.abs(guide - kept * before) > STILL_KWH
        bands = [
            int(np.clip(guide[place.stop - 1] / self.battery.capacity_kwh * BANDS, 0, BANDS - 1))
            for place in self._blocks
        ]
        still = [not moves[place].any() for place in self._blocks]
        return np.where(still, STILL, bands).astype(np.int64)


class _Reachable:
    """Which contents of a battery follow on which, step by step, within its wished band and towards its wished end."""

    def __init__(self, battery: Battery, horizon: Horizon) -> None:
        content = battery.content(horizon)
        self.kept = content.kept
        self._rise = horizon.step_hours * battery.charge_power_kw * battery.charge_efficiency
        self._fall = horizon.step_hours * battery.discharge_power_kw / battery.discharge_efficiency
        self._ceiling = content.kwh(battery.max_soc_percent)
        least = content.kwh(battery.final_soc_percent or 0.0)
        floor: list[float] = []
        for wished in content.low_kwh[::-1].tolist():
            least = max(wished, least)
            floor.append(least)
            least = (least - self._rise) / self.kept
        self._floor = floor[::-1]

    def after(self, lowest: float, highest: float, step: int) -> tuple[float, float]:
        """Return the range of contents after `step`; outside its wished band a battery returns as fast as it can."""
        most = self.kept * highest + self._rise
        lowest = max(self.kept * lowest - self._fall, 0.0, min(self._floor[step], most))
        return lowest, min(most, max(self._ceiling, lowest))

    def may_stand_still(self, lowest: float, step: int) -> bool:
        """Tell whether the lowest content, left alone until after `step`, still reaches what is wished."""
        return lowest >= self._floor[step]
