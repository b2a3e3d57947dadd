"""What a heuristic may be told beyond the problem."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from optimization.engine.checks import require_between
from optimization.engine.errors import ProblemError
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import DeviceSeries

ExtraCost = Callable[[SiteProblem, Mapping[str, DeviceSeries]], float]


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchOptions:
    """How to search; the same options, problem and versions give the same plan, unless the time ends first.

    `extra_cost` returns EUR for the series of all devices by name: any Python function, added to the goal. It never
    returns less than `least_extra_cost_eur`, on which the proven bound rests; None promises nothing, so that there is
    no bound.
    `evaluations` counts plans looked at, `population` those of one generation, and `block_minutes` is how finely the
    search decides.
    """

    seed: int = 1
    evaluations: int = 800
    population: int = 24
    block_minutes: float = 60.0
    extra_cost: ExtraCost | None = None
    least_extra_cost_eur: float | None = 0.0

    def __post_init__(self) -> None:
        for name, least in (("seed", 0), ("evaluations", 1), ("population", 4)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ProblemError(f"options.{name}", repr(value), f"a whole number of at least {least}")
        require_between("options.block_minutes", self.block_minutes, 0, above=True)
        if self.extra_cost is not None and not callable(self.extra_cost):
            raise ProblemError("options.extra_cost", repr(self.extra_cost), "a function of problem and device series")
        if self.least_extra_cost_eur is not None and not math.isfinite(self.least_extra_cost_eur):
            raise ProblemError("options.least_extra_cost_eur", self.least_extra_cost_eur, "a finite number, or None")

    def extra_eur(self, problem: SiteProblem, devices: Mapping[str, DeviceSeries]) -> float:
        """Return the extra cost of a plan, EUR; 0 without such a function.

        Raises:
            ProblemError: for a cost that is no finite number or below its promised least.
        """
        if self.extra_cost is None:
            return 0.0
        cost = self.extra_cost(problem, devices)
        try:
            number = float(cost)
        except (TypeError, ValueError):
            number = math.nan
        least = self.least_extra_cost_eur
        if not math.isfinite(number) or (least is not None and number < least):
            allowed = "a finite number of EUR" + ("" if least is None else f" of at least {least:g}")
            raise ProblemError("options.extra_cost", f"a function that returned {cost!r}", allowed)
        return number

    @property
    def bound_shift_eur(self) -> float:
        """What the extra cost adds to a bound of the linear goal, EUR; minus infinity where nothing is promised."""
        if self.extra_cost is None:
            return 0.0
        return -math.inf if self.least_extra_cost_eur is None else self.least_extra_cost_eur
