"""The forecast that was issued before the order."""

import numpy as np

from flexmarket.engine.baselines.evidence import BaselineError, BaselineMethod, Evidence
from optimization.engine.series import Series


def _baseline(evidence: Evidence) -> Series:
    if evidence.forecast_kw is None or np.isnan(evidence.forecast_kw[evidence.called]).any():
        raise BaselineError("No forecast that was issued before the order covers the call.")
    return evidence.forecast_kw[evidence.called]


FORECAST = BaselineMethod("forecast", "UMEI BaselineIntervals: a series that was submitted before", _baseline)
