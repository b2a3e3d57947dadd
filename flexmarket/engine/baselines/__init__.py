"""What would have been without the call; a new method is one file and one line here."""

from collections.abc import Mapping

from flexmarket.engine.baselines.accuracy import Accuracy, accuracy
from flexmarket.engine.baselines.evidence import BaselineError, BaselineMethod, Evidence
from flexmarket.engine.baselines.forecast import FORECAST
from flexmarket.engine.baselines.high_5_of_10 import HIGH_5_OF_10
from flexmarket.engine.baselines.meter_before_after import METER_BEFORE_AFTER
from flexmarket.engine.baselines.rolling_5_days import ROLLING_5_DAYS
from flexmarket.engine.baselines.schedule import SCHEDULE

BASELINES: Mapping[str, BaselineMethod] = {
    method.name: method for method in (SCHEDULE, FORECAST, HIGH_5_OF_10, ROLLING_5_DAYS, METER_BEFORE_AFTER)
}

__all__ = ["BASELINES", "Accuracy", "BaselineError", "BaselineMethod", "Evidence", "accuracy"]
