"""Checks of single numbers of a device; each names the field, the value and what is allowed."""

import math

from optimization.engine.errors import ProblemError


def require_between(field: str, value: float, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Refuse a value outside `low`..`high`; with `above`, `low` itself is refused too.

    Raises:
        ProblemError: also for NaN and, unless allowed, infinity.
    """
    if math.isfinite(value) and low <= value <= high and not (above and value == low):
        return
    relation = "more than" if above else "at least"
    upper = "" if math.isinf(high) else f" and at most {high:g}"
    raise ProblemError(field, value, f"{relation} {low:g}{upper}")


def require_ordered(low_field: str, low: float, high_field: str, high: float) -> None:
    """Refuse a lower bound above its upper bound.

    Raises:
        ProblemError: names the lower bound.
    """
    if low > high:
        raise ProblemError(low_field, low, f"at most {high_field} ({high:g})")
