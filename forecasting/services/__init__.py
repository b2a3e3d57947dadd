"""Writes of forecasts: keyword-only verbs, one transaction each, audited; errors by field.

All of them need `audit.acting(...)` and the scope of the organization around them.
"""

from forecasting.services.checks import Delivery
from forecasting.services.deliveries import receive_forecast, receive_forecasts
from forecasting.services.deviations import request_deviating
from forecasting.services.feeds import (
    FETCH_PRICES,
    FETCH_WEATHER,
    create_price_feed,
    delete_price_feed,
    request_prices,
    request_weather,
    switch_weather,
    update_price_feed,
)
from forecasting.services.imports import import_forecasts
from forecasting.services.own_channels import (
    OWN,
    ensure_own_forecasts,
    update_own_forecast,
)
from forecasting.services.own_requests import (
    CHOOSE_CHUNK,
    CHOOSE_MODELS,
    FORECAST_CHUNK,
    FORECAST_ORGANIZATION,
    SCORE_FORECASTS,
    request_forecasts,
    request_model_choice,
    request_scores,
)
from forecasting.services.prices import fetch_prices
from forecasting.services.provider_keys import delete_provider_key, keys_set, rotate_provider_keys, set_provider_key
from forecasting.services.weather import fetch_weather

__all__ = [
    "CHOOSE_CHUNK",
    "CHOOSE_MODELS",
    "FETCH_PRICES",
    "FETCH_WEATHER",
    "FORECAST_CHUNK",
    "FORECAST_ORGANIZATION",
    "OWN",
    "SCORE_FORECASTS",
    "Delivery",
    "create_price_feed",
    "delete_price_feed",
    "delete_provider_key",
    "ensure_own_forecasts",
    "fetch_prices",
    "fetch_weather",
    "import_forecasts",
    "keys_set",
    "receive_forecast",
    "receive_forecasts",
    "request_deviating",
    "request_forecasts",
    "request_model_choice",
    "request_prices",
    "request_scores",
    "request_weather",
    "rotate_provider_keys",
    "set_provider_key",
    "switch_weather",
    "update_own_forecast",
    "update_price_feed",
]
