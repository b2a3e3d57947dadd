"""Fitted models as plain data and back: what takes minutes to train is kept, as text and numbers and never as code."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecasting.engine.models.blend import FittedBlend
from forecasting.engine.models.boosting import FittedBoosting
from forecasting.engine.protocol import Fitted

FORMAT = 1


def stored(fitted: Fitted) -> dict[str, Any] | None:
    """Return a fitted blend as data that JSON can hold; None for models that train in milliseconds, and for none."""
    if not isinstance(fitted, FittedBlend) or not fitted.boosting.boosters:
        return None
    boosting = fitted.boosting
    return {
        "format": FORMAT,
        "inputs": list(boosting.inputs),
        "minimum_history_days": boosting.minimum_history_days,
        "boosters": [[each.model_to_string() for each in half] for half in boosting.boosters],
        "weight": fitted.weight,
        "widths": fitted.widths.tolist(),
        "places": dict(fitted.places),
    }


def restored(data: Mapping[str, Any]) -> FittedBlend | None:
    """Return the fitted blend of what `stored` made; None for another format."""
    if data.get("format") != FORMAT:
        return None
    # Loading LightGBM takes longer than most forecasts; only processes with a trained model pay for it.
    from lightgbm import Booster

    boosters = [[Booster(model_str=text) for text in half] for half in data["boosters"]]
    boosting = FittedBoosting(list(data["inputs"]), boosters, float(data["minimum_history_days"]))
    widths = np.asarray(data["widths"], dtype=np.float64)
    return FittedBlend(boosting, float(data["weight"]), widths, {str(k): int(v) for k, v in data["places"].items()})
