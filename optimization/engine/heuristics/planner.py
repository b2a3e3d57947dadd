"""What a genome is worth: decoded, dispatched by the linear programme, judged with the extra cost; and remembered."""

import time
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from optimization.engine.compiled import Compiled, cache
from optimization.engine.heuristics.decisions import Genes
from optimization.engine.heuristics.dispatch import Bounds, Dispatch, Outcome
from optimization.engine.heuristics.genome import Genome
from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.heuristics.starts import Population
from optimization.engine.previous import Previous
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series
from optimization.engine.topology import Site

# A kWh missed in one rank outweighs this many kWh of the next, where a swarm needs one number.
RANK_WEIGHT = 1e3
NO_PLAN = 1e18


@dataclass(frozen=True, eq=False)
class Candidate:
    """A plan: what it misses in each rank of wishes (kWh), what it is worth (EUR, with the extra cost), its values."""

    missed: tuple[float, ...]
    worth_eur: float
    outcome: Outcome
    decided: Bounds

    @property
    def key(self) -> tuple[tuple[float, ...], float]:
        """Return what plans are compared by: wishes in their order, then worth."""
        return self.missed, self.worth_eur


def violation(missed: tuple[float, ...]) -> float:
    """Return the energy missed in each rank (kWh) as one number, weighted by rank."""
    ranks = len(missed)
    return float(sum(kwh * RANK_WEIGHT ** (ranks - 1 - rank) for rank, kwh in enumerate(missed)))


class Planner:
    """Turns bounds that hold decisions into candidates; keeps the best of all, and counts them."""

    def __init__(
        self, site: Site, options: SearchOptions, *, deadline: float, previous: Previous | None = None
    ) -> None:
        self.site, self.options, self.deadline, self.previous = site, options, deadline, previous
        self.compiled: Compiled = cache.get(site.topology)
        self.filled = self.compiled.fill(site.numbers)
        self.dispatch = Dispatch(self.compiled, self.filled)
        self.relaxed = self.dispatch.relaxed()
        self.best: Candidate | None = None
        self.looked_at = 0
        self._known: dict[bytes, Candidate | None] = {}

    @property
    def out_of_time(self) -> bool:
        """Tell whether the deadline has passed."""
        return time.perf_counter() >= self.deadline

    def spent(self, share: float = 1.0) -> bool:
        """Tell whether the time, or this share of the plans to look at, is used up."""
        return self.out_of_time or self.looked_at >= share * self.options.evaluations

    @property
    def bound_eur(self) -> float:
        """Return the lower bound on what any plan that holds every wish is worth, EUR."""
        return -np.inf if self.relaxed is None else self.relaxed.goal + self.options.bound_shift_eur

    def candidate(self, bounds: Bounds) -> Candidate | None:
        """Return the best plan within bounds, or None; the same bounds are solved once."""
        key = blake2b(bounds[0].tobytes() + bounds[1].tobytes()).digest()
        if key not in self._known:
            self.looked_at += 1
            found = self._known[key] = self._solved(bounds)
            if found is not None and (self.best is None or found.key < self.best.key):
                self.best = found
        return self._known[key]

    def judge(self, genome: Genome, population: Population) -> tuple[Series, Series]:
        """Return the worth (EUR) and the violation (0: every wish held as well as it can be) of each genome."""
        least = 0.0 if self.relaxed is None else violation(self.relaxed.missed)
        worth, off = np.full((2, len(population)), NO_PLAN)
        for row, genes in enumerate(population):
            found = None if self.spent() else self.decoded(genome, genes)
            if found is not None:
                worth[row], off[row] = found.worth_eur, max(0.0, violation(found.missed) - least)
        return worth, off

    def decoded(self, genome: Genome, genes: Genes) -> Candidate | None:
        """Return the plan of these genes; where their either/or contradicts the rest, the rest decides."""
        return self.candidate(genome.bounds(genes)) or self.candidate(genome.bounds(genes, firm=False))

    def _solved(self, bounds: Bounds) -> Candidate | None:
        outcome = self.dispatch.settled(*bounds)
        if outcome is None:
            return None
        extra = 0.0
        if self.options.extra_cost is not None:
            extra = self.options.extra_eur(self.site.problem, self.series(outcome))
        return Candidate(outcome.missed, outcome.goal + extra, outcome, bounds)

    def series(self, outcome: Outcome) -> dict[str, DeviceSeries]:
        """Return the series of all devices, in the order of the problem."""
        horizon, problem = self.site.problem.horizon, self.site.problem
        found = {
            device.name: device.read(self.compiled.solved(index, outcome.values), horizon)
            for index, device in enumerate(self.site.devices)
        }
        return {device.name: found[device.name] for device in problem.devices}
