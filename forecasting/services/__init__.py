"""Writes of forecasts: keyword-only verbs, one transaction each, audited; errors by field.

All of them need `audit.acting(...)` and the scope of the organization around them.
"""

from forecasting.services.checks import Delivery
from forecasting.services.deliveries import receive_forecast, receive_forecasts
from forecasting.services.imports import import_forecasts

__all__ = ["Delivery", "import_forecasts", "receive_forecast", "receive_forecasts"]
