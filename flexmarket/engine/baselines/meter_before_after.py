"""Straight line from the meter just before the call to the meter just after it."""

import numpy as np

from flexmarket.engine.baselines.evidence import BaselineError, BaselineMethod, Evidence
from optimization.engine.series import Series


def _baseline(evidence: Evidence) -> Series:
    before, after = evidence.first - 1, evidence.first + evidence.count
    for step, word in ((before, "before"), (after, "after")):
        if not 0 <= step < len(evidence.today_kw) or np.isnan(evidence.today_kw[step]):
            raise BaselineError(f"The step {word} the call was not measured within the day.")
    places = np.arange(evidence.first, after, dtype=np.float64)
    return np.interp(places, [before, after], evidence.today_kw[[before, after]])


METER_BEFORE_AFTER = BaselineMethod(
    "meter_before_after", "Meter before / meter after (MBMA), as for fast products: short calls only", _baseline
)
