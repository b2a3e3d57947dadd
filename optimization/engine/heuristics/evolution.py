"""pymoo's algorithms behind the engine's own interface. Importing this module imports pymoo, which takes a second."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pymoo.core.evaluator import Evaluator
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.problems.static import StaticProblem

from optimization.engine.heuristics.starts import Population
from optimization.engine.series import Series

LONGEST_RUN = 4


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
        self._algorithm.tell(infills=self._asked)


class RunMutation(Mutation):  # type: ignore[misc]
    """Gives a run of neighbouring genes, one to `LONGEST_RUN` long, another alternative."""

    def _do(self, problem: Any, X: Any, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:  # noqa: N803
        mutated = X.copy()
        for genes in mutated:
            first = int(random_state.integers(len(genes)))
            run = slice(first, first + int(random_state.integers(1, LONGEST_RUN + 1)))
            highest = problem.xu[run]
            genes[run] = np.minimum(random_state.integers(0, highest[0] + 1), highest)
        return mutated
