"""Mean of the five days of highest consumption among the last ten alike, moved to where the day itself was."""

import numpy as np

from flexmarket.engine.baselines.evidence import BaselineError, BaselineMethod, Evidence
from optimization.engine.series import Series

MOST_DAYS, HIGHEST_DAYS = 10, 5
ADJUSTED_FROM_HOURS, ADJUSTED_UNTIL_HOURS = 4.0, 1.0


def _baseline(evidence: Evidence) -> Series:
    alike = evidence.alike(MOST_DAYS, working=evidence.is_working)
    if len(alike) < HIGHEST_DAYS:
        kind = "working days" if evidence.is_working else "days off"
        raise BaselineError(f"Only {len(alike)} measured {kind} without a call lie before; {HIGHEST_DAYS} are needed.")
    order = np.argsort(-alike[:, evidence.called].mean(axis=1), kind="stable")[:HIGHEST_DAYS]
    highest = alike[order]
    raw: Series = highest[:, evidence.called].mean(axis=0)
    return raw + _adjustment(evidence, highest)


def _adjustment(evidence: Evidence, highest: Series) -> float:
    """Return by how much the hours before the call were above those of the chosen days; 0 where none was measured."""
    first = max(evidence.first - evidence.steps(ADJUSTED_FROM_HOURS), 0)
    last = max(evidence.first - evidence.steps(ADJUSTED_UNTIL_HOURS), 0)
    above = evidence.today_kw[first:last] - highest[:, first:last].mean(axis=0)
    known = above[~np.isnan(above)]
    return float(known.mean()) if len(known) else 0.0


HIGH_5_OF_10 = BaselineMethod(
    "high_5_of_10",
    "High X of Y as in NYISO's customer baseline load; symmetric additive adjustment by the three hours that end an "
    "hour before the call, as in PJM Manual 11",
    _baseline,
)
