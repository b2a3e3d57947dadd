"""Physics that a plan breaks, found in plain numpy from the series alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optimization.engine.series import Series

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-5


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A balance or physical limit that does not hold in one step, by `amount`."""

    device: str
    rule: str
    step: int
    amount: float

    def __str__(self) -> str:
        return f"{self.device}: {self.rule} is off by {self.amount:.6g} in step {self.step}"


def exceeding(device: str, rule: str, excess: Series, scale: float = 1.0) -> Iterator[Violation]:
    """Yield a violation for each step whose `excess` is above the tolerance for values of size `scale` (or NaN)."""
    tolerance = ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * abs(scale)
    held = excess <= tolerance
    if held.all():
        return
    for step in np.flatnonzero(~held):
        yield Violation(device=device, rule=rule, step=int(step), amount=float(excess[step]))


def outside(device: str, rule: str, values: Series, low: float | Series, high: float | Series) -> Iterator[Violation]:
    """Yield a violation for each step in which `values` leaves `low`..`high`."""
    scale = _size(high)
    yield from exceeding(device, rule, np.maximum(low - values, values - high), scale)


def unequal(device: str, rule: str, values: Series, expected: Series) -> Iterator[Violation]:
    """Yield a violation for each step in which `values` is not `expected`."""
    scale = _size(expected)
    yield from exceeding(device, rule, np.abs(values - expected), scale)


def _size(values: float | Series) -> float:
    """Return the largest absolute value; infinite ones, which limit nothing, count as 0."""
    size = float(np.abs(values).max(initial=0.0))
    return size if math.isfinite(size) else float(np.max(np.abs(np.where(np.isfinite(values), values, 0.0))))
