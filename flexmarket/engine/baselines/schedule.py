"""The plan that the offer was made with."""

from flexmarket.engine.baselines.evidence import BaselineError, BaselineMethod, Evidence
from optimization.engine.series import Series


def _baseline(evidence: Evidence) -> Series:
    if evidence.plan_kw is None:
        raise BaselineError("There is no plan of the day.")
    return evidence.plan_kw[evidence.called]


SCHEDULE = BaselineMethod("schedule", "USEF D-prognosis: the programme that was promised before the order", _baseline)
