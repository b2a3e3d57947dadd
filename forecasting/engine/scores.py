"""How good forecasts were: pinball loss, coverage, bias, absolute error, and skill against the naive forecast."""

from dataclasses import asdict, dataclass

import numpy as np

from forecasting.engine.grid import Series
from forecasting.engine.protocol import LEVELS

BAND = (LEVELS.index(0.1), LEVELS.index(0.9))
TINY = 1e-9


@dataclass(frozen=True)
class Score:
    """The measures of one forecast or of many; those in percent are of the mean absolute level of the outcome.

    `pinball_percent` is the mean over the nine quantiles. `coverage_percent` is the share of outcomes within the
    central 80 %, where there was something to know. `bias_percent` is above zero where too much was forecast. `mae` is
    in the unit of the channel.
    """

    pinball_percent: float
    coverage_percent: float
    bias_percent: float
    mae: float
    mae_percent: float
    steps: int

    def skill_percent(self, naive: "Score") -> float:
        """Return how much smaller the pinball loss is than that of the naive forecast."""
        if not naive.pinball_percent:
            return 0.0
        return 100 * (1 - self.pinball_percent / naive.pinball_percent)

    def as_json(self, naive: "Score | None" = None) -> dict[str, float]:
        """Return the measures as they are stored, with the skill against a naive forecast of the same steps."""
        found = {name: round(float(value), 4) for name, value in asdict(self).items()}
        return found if naive is None else {**found, "skill_percent": round(self.skill_percent(naive), 4)}


def pinball(quantiles: Series, outcome: Series) -> Series:
    """Return the pinball loss (..., steps), the mean over the levels of quantiles (..., 9, steps)."""
    error = outcome[..., None, :] - quantiles
    levels = np.asarray(LEVELS)[:, None]
    loss: Series = np.maximum(levels * error, (levels - 1) * error).mean(axis=-2)
    return loss


def covered(quantiles: Series, outcome: Series) -> Series:
    """Return 1 where the outcome lies within the central 80 %, else 0, (..., steps).

    A band without width that is right says nothing of the width of bands (PV at night): not-a-number.
    """
    low, high = quantiles[..., BAND[0], :], quantiles[..., BAND[1], :]
    inside = ((low <= outcome) & (outcome <= high)).astype(np.float64)
    return np.where((low == high) & (outcome == low), np.nan, inside)


def score(mean: Series, quantiles: Series, outcome: Series, level: float | None = None) -> Score | None:
    """Return the score of forecasts (..., steps) where an outcome is known; None where none is.

    Percentages are of `level`, by default the mean absolute outcome.
    """
    known = ~np.isnan(outcome) & ~np.isnan(mean)
    if not known.any():
        return None
    unit = level if level is not None else float(np.abs(outcome[known]).mean())
    share = 100 / max(unit, TINY)
    error = (mean - outcome)[known]
    hits = covered(quantiles, outcome)[known]
    hits = hits[~np.isnan(hits)]
    return Score(
        pinball_percent=share * float(pinball(quantiles, outcome)[known].mean()),
        coverage_percent=100 * float(hits.mean()) if hits.size else 100.0,
        bias_percent=share * float(error.mean()),
        mae=float(np.abs(error).mean()),
        mae_percent=share * float(np.abs(error).mean()),
        steps=int(known.sum()),
    )


def mean_score(scores: list[Score]) -> Score:
    """Return the mean of the scores of several channels."""
    return Score(
        pinball_percent=float(np.mean([each.pinball_percent for each in scores])),
        coverage_percent=float(np.mean([each.coverage_percent for each in scores])),
        bias_percent=float(np.mean([each.bias_percent for each in scores])),
        mae=float(np.mean([each.mae for each in scores])),
        mae_percent=float(np.mean([each.mae_percent for each in scores])),
        steps=sum(each.steps for each in scores),
    )
