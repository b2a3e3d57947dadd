"""pymoo's algorithms behind the engine's own interface. Importing this module imports pymoo, which takes a second."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pymoo.core.crossover import Crossover
from pymoo.core.evaluator import Evaluator
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.problems.static import StaticProblem
from pymoo.util.misc import crossover_mask

from optimization.engine.heuristics.starts import Population
from optimization.engine.series import Series

# Shares: of mutations that touch one lane, and of the horizon that a mutation touches at most.
ALONE = 0.5
SHORT = 0.2
LONG = 0.5


class Evolution:
    """A pymoo algorithm that is asked and told; positions lie between 0 and the number of alternatives of each gene."""

    def __init__(
        self, algorithm: Any, sizes: npt.NDArray[np.int64], *, seed: int, kind: type, objectives: int = 1
    ) -> None:
        self._sizes, self._algorithm = sizes, algorithm
        highest = sizes - 1 if kind is int else sizes
        self._problem = Problem(
            n_var=len(sizes), n_obj=objectives, n_ieq_constr=1, xl=np.zeros(len(sizes)), xu=highest, vtype=kind
        )
        algorithm.setup(self._problem, seed=seed, termination=("n_gen", np.iinfo(np.int64).max))
        self._asked: Any = None

    def ask(self) -> Population | None:
        """Return the genomes of the next generation; None where the algorithm has no new ones."""
        self._asked = self._algorithm.ask() if self._algorithm.has_next() else None
        if self._asked is None or not len(self._asked):
            return None
        positions = np.asarray(self._asked.get("X"), dtype=np.float64)
        return np.clip(np.floor(positions), 0, self._sizes - 1).astype(np.int64)

    def tell(self, worth: Series, violation: Series) -> None:
        """Take the worth (one value, or one per objective) and the violation of each genome asked for last."""
        worth = np.asarray(worth).reshape(len(violation), -1)
        Evaluator().eval(StaticProblem(self._problem, F=worth, G=violation[:, None]), self._asked)
        # A swarm that has met in one point lets pymoo's inertia overflow to its limit, zero.
        with np.errstate(over="ignore"):
            self._algorithm.tell(infills=self._asked)


class WindowCrossover(Crossover):  # type: ignore[misc]
    """Exchanges the same stretch of the horizon in all lanes: the decisions of some hours, of every device."""

    def __init__(self, lanes: Sequence[slice], **options: Any) -> None:
        super().__init__(2, 2, **options)
        self._lanes = lanes

    def _do(self, problem: Any, X: Any, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:  # noqa: N803
        exchanged = np.zeros(X.shape[1:], dtype=bool)
        for row in exchanged:
            begin, end = np.sort(random_state.random(2))
            for lane in self._lanes:
                row[_stretch(lane, begin, end)] = True
        return crossover_mask(X, exchanged)


class WindowMutation(Mutation):  # type: ignore[misc]
    """Gives a short run of one lane, or a longer stretch of all lanes, another alternative."""

    def __init__(self, lanes: Sequence[slice], **options: Any) -> None:
        super().__init__(**options)
        self._lanes = lanes

    def _do(self, problem: Any, X: Any, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:  # noqa: N803
        mutated = X.copy()
        for genes in mutated:
            begin = random_state.random()
            alone = random_state.random() < ALONE
            end = begin + random_state.random() * (SHORT if alone else LONG)
            lanes = [self._lanes[random_state.integers(len(self._lanes))]] if alone else self._lanes
            for lane in lanes:
                place = _stretch(lane, begin, end)
                highest = problem.xu[place]
                genes[place] = np.minimum(random_state.integers(0, highest[0] + 1), highest)
        return mutated


def _stretch(lane: slice, begin: float, end: float) -> slice:
    """Return the genes of a lane from one share of its length to before another, at least one."""
    length = lane.stop - lane.start
    first = min(int(begin * length), length - 1)
    return slice(lane.start + first, lane.start + max(first + 1, min(length, round(end * length))))
