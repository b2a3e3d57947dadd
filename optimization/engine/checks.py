"""Checks of single numbers of a device; each names the field, the value and what is allowed."""

import math
from collections.abc import Callable

import numpy as np

from optimization.engine.errors import ProblemError


def require_between(field: str, value: float, low: float, high: float = math.inf, *, above: bool = False) -> None:
    """Refuse a value outside `low`..`high`; with `above`, `low` itself is refused too.

    Raises:
        ProblemError: also for infinity, NaN, and what is no number.
    """
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, complex))
    if number and math.isfinite(value) and low <= value <= high and not (above and value == low):
        return
    relation = "more than" if above else "at least"
    upper = "" if math.isinf(high) else f" and at most {high:g}"
    raise ProblemError(field, value if number else repr(value), f"{relation} {low:g}{upper}")


def require_percent(field: Callable[[str], str], **levels: float | None) -> None:
    """Refuse levels outside 0 to 100 %; None is no level. `field` turns a name into the one that errors show.

    Raises:
        ProblemError: names the first wrong level.
    """
    for name, level in levels.items():
        if level is not None:
            require_between(field(name), level, 0, 100)


def require_band(field: Callable[[str], str], *, min_soc_percent: float, max_soc_percent: float) -> None:
    """Refuse a band of levels that leaves 0 to 100 % or is upside down.

    Raises:
        ProblemError: names the wrong level.
    """
    require_percent(field, min_soc_percent=min_soc_percent, max_soc_percent=max_soc_percent)
    if min_soc_percent > max_soc_percent:
        raise ProblemError(field("min_soc_percent"), min_soc_percent, f"at most max_soc_percent ({max_soc_percent:g})")
