"""What is expected, as it was known at each time."""

from django.apps import AppConfig


class ForecastingConfig(AppConfig):
    """Floor 4: forecasts of channels, received from outside or made here."""

    name = "forecasting"
