"""The genome of a site: which decisions it has, and the plans that guide the search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, starmap

import numpy as np

from optimization.engine.compiled import Compiled, Filled, Places
from optimization.engine.devices import Battery
from optimization.engine.guides import leaning
from optimization.engine.heuristics.decisions import (
    ChoiceDecision,
    ContentDecision,
    Decision,
    EitherOrDecision,
    Genes,
    StagesDecision,
    SwitchDecision,
)
from optimization.engine.heuristics.dispatch import Bounds, Outcome
from optimization.engine.heuristics.starts import Population, starting_population
from optimization.engine.linear_first import ROUNDINGS
from optimization.engine.relaxation import Linear
from optimization.engine.rounding import rounded
from optimization.engine.series import Series
from optimization.engine.topology import Site


@dataclass(frozen=True)
class Genome:
    """All decisions of a site in a row."""

    filled: Filled
    decisions: tuple[Decision, ...]
    guide_count: int

    @cached_property
    def sizes(self) -> Genes:
        """The number of alternatives of each gene."""
        return np.array([size for decision in self.decisions for size in decision.sizes], dtype=np.int64)

    @cached_property
    def lanes(self) -> list[slice]:
        """The genes of each decision, from the first step of the horizon to the last."""
        ends = np.cumsum([0, *(len(decision.sizes) for decision in self.decisions)]).tolist()
        return list(starmap(slice, pairwise(ends)))

    def bounds(self, genes: Genes, *, firm: bool = True) -> Bounds:
        """Return the bounds of the columns for these genes; if not `firm`, what is either/or stays open."""
        bounds = self.filled.low.copy(), self.filled.high.copy()
        for decision, place in zip(self.decisions, self.lanes, strict=True):
            if firm or not isinstance(decision, EitherOrDecision):
                decision.decide(genes[place], bounds)
        return bounds

    def as_guide(self, index: int) -> Genes:
        """Return the genes of a guide."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *(each.as_guide(index) for each in self.decisions)])

    def neighbours(self, genes: Genes) -> list[Genes]:
        """Return the genomes in which one process starts, or one either/or goes, another way."""
        found = []
        for decision, place in zip(self.decisions, self.lanes, strict=True):
            if isinstance(decision, (SwitchDecision, ContentDecision)):
                continue
            for gene in range(place.start, place.stop):
                for other in set(range(self.sizes[gene])) - {int(genes[gene])}:
                    found.append(genes.copy())
                    found[-1][gene] = other
        return found

    def starts(self, count: int, random: np.random.Generator) -> Population:
        """Return the genomes that a search starts from, one per row."""
        guides = [self.as_guide(index) for index in range(self.guide_count)]
        return starting_population(guides, self.sizes, count, random)


def genome_of(
    site: Site,
    compiled: Compiled,
    filled: Filled,
    *,
    guides: Sequence[Series],
    contested: Places,
    block: int,
    contents: bool,
) -> Genome:
    """Return the genome of a site.

    `guides` are plans as a value per column, `contested` either/or columns that plans have left open, `block` the steps
    that share a gene. With `contents` the search also decides what batteries hold.
    """
    decisions: list[Decision] = [
        SwitchDecision(
            switching=switching,
            initially=initially,
            low=filled.low[switching.on],
            high=filled.high[switching.on],
            guides=[np.round(guide[switching.on]) for guide in guides],
            block=block,
        )
        for switching, initially in zip(compiled.switches, filled.initially, strict=True)
    ]
    decisions += _choices(compiled, filled, guides)
    if len(contested):
        decisions.append(EitherOrDecision(contested, [guide[contested] for guide in guides]))
    if contents:
        decisions += _contents(site, compiled, guides, block)
    return Genome(filled, tuple(decisions), len(guides))


def _choices(compiled: Compiled, filled: Filled, guides: Sequence[Series]) -> Iterator[Decision]:
    """Yield a decision for each variable whose columns are in rows that demand exactly one of them."""
    for variables in compiled.variables:
        for place in variables.values():
            rows = _one_of_rows(compiled, filled, place)
            if len(rows) == 1:
                columns = rows[0][filled.high[rows[0]] > 0.5]
                yield ChoiceDecision(columns, [guide[columns] for guide in guides])
            elif rows:
                stages = np.stack(rows)
                stages = stages[:, filled.high[rows[0]] > 0.5]
                yield StagesDecision(stages, [guide[stages] for guide in guides])


def _one_of_rows(compiled: Compiled, filled: Filled, place: slice) -> list[Places]:
    """Return the columns of each row that says: exactly one of these (integer) columns of one variable is 1."""
    if place.stop == place.start or not compiled.integer[place].all():
        return []
    within = (compiled.column_of_value >= place.start) & (compiled.column_of_value < place.stop)
    ones = within & (filled.values == 1.0)
    per_row = np.bincount(compiled.rows, minlength=compiled.row_count)
    inside = np.bincount(compiled.rows[ones], minlength=compiled.row_count)
    demands_one = (filled.row_low == 1.0) & (filled.row_high == 1.0) & (inside == per_row) & (inside > 0)
    return [compiled.column_of_value[ones & (compiled.rows == row)] for row in np.flatnonzero(demands_one)]


def _contents(site: Site, compiled: Compiled, guides: Sequence[Series], block: int) -> Iterator[Decision]:
    for device, variables in zip(site.devices, compiled.variables, strict=False):
        if isinstance(device, Battery):
            columns = np.arange(compiled.column_count)
            yield ContentDecision(
                battery=device,
                horizon=site.problem.horizon,
                energy=columns[variables["energy_kwh"]],
                powers=np.stack([columns[variables["charge_kw"]], columns[variables["discharge_kw"]]]),
                guides=[guide[variables["energy_kwh"]] for guide in guides],
                block=block,
            )


def rounded_guides(compiled: Compiled, filled: Filled, relaxed: Outcome) -> list[Series]:
    """Return the relaxation's plan with its on/off states rounded in each way that leads to other states."""
    linear = Linear(relaxed.values, relaxed.goal, relaxed.reduced)
    ways = [
        rounded(compiled, filled, linear, spread=spread, dear_off=dear_off)
        for spread, dear_off in (ROUNDINGS if compiled.switches else ROUNDINGS[:1])
    ]
    states = np.concatenate([np.zeros(0, dtype=np.int64), *(switching.on for switching in compiled.switches)])
    different = {way[states].tobytes(): way for way in reversed(ways)}
    found = []
    for way in reversed(different.values()):
        guide = relaxed.values.copy()
        guide[states] = way[states]
        found.append(leaning(compiled, guide))
    return found
