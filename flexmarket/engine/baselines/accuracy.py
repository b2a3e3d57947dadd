"""How well a method meets days on which nothing was called."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from flexmarket.engine.baselines.evidence import BaselineError, BaselineMethod, Evidence


@dataclass(frozen=True)
class Accuracy:
    """Mean error of the baseline (kW, above 0: too high), mean absolute error (kW), and the days behind them."""

    bias_kw: float
    mean_absolute_error_kw: float
    days: int


def accuracy(method: BaselineMethod, days: Iterable[Evidence]) -> Accuracy | None:
    """Return how the method would have done on days without a call; None where it could be made on none of them.

    `today_kw` of each is measured throughout; what a method does not know before the call is over it does not see, but
    for the step after it.
    """
    errors = []
    for each in days:
        measured = each.today_kw[each.called]
        try:
            error = method.baseline(each) - measured
        except BaselineError:
            continue
        if not np.isnan(error).any():
            errors.append(error)
    if not errors:
        return None
    table = np.array(errors)
    return Accuracy(float(table.mean()), float(np.abs(table).mean()), len(errors))
