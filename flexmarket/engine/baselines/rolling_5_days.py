"""Mean of the same time of day over the last five working days."""

from flexmarket.engine.baselines.evidence import BaselineError, BaselineMethod, Evidence
from optimization.engine.series import Series

DAYS = 5


def _baseline(evidence: Evidence) -> Series:
    alike = evidence.alike(DAYS, working=True)
    if len(alike) < DAYS:
        raise BaselineError(f"Only {len(alike)} measured working days without a call lie before; {DAYS} are needed.")
    mean: Series = alike[:, evidence.called].mean(axis=0)
    return mean


ROLLING_5_DAYS = BaselineMethod(
    "rolling_5_days",
    "NODES' standard baseline: rolling mean of the same hour over five preceding working days",
    _baseline,
)
