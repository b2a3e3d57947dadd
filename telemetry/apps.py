"""What is measured, and the channels that measurements and forecasts belong to."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Floor 3: one channel per quantity of a device or site."""

    name = "telemetry"
