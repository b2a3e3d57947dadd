"""Models that need parameters and weather, but no history."""

from forecasting.engine.physical.heat import HEAT
from forecasting.engine.physical.profiles import LOAD
from forecasting.engine.physical.pv import PV
from forecasting.engine.physical.wind import WIND

__all__ = ["HEAT", "LOAD", "PV", "WIND"]
