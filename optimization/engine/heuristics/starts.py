"""The genomes that a search starts from."""

import numpy as np
import numpy.typing as npt

from optimization.engine.heuristics.decisions import Genes

Population = npt.NDArray[np.int64]
BLENDS = (0.25, 0.5, 0.75)
CHANGED_SHARE = 0.15


def starting_population(guides: list[Genes], sizes: Genes, count: int, random: np.random.Generator) -> Population:
    """Return `count` genomes: the guides, blends of the last two, all off, all on, and variations."""
    one, other = guides[-2:] if len(guides) > 1 else (guides[0], guides[0])
    blends = [np.round(one + share * (other - one)).astype(np.int64) for share in BLENDS]
    known = [*guides, np.zeros_like(sizes), sizes - 1, *blends][:count]
    variations = [_varied(guides[k % len(guides)], sizes, random) for k in range(count - len(known))]
    return np.array([*known, *variations])


def _varied(genes: Genes, sizes: Genes, random: np.random.Generator) -> Genes:
    changed = random.random(len(genes)) < CHANGED_SHARE
    return np.where(changed, random.integers(0, sizes), genes)
