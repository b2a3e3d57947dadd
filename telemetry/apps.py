"""What is measured, and the channels that measurements and forecasts belong to."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Floor 3: one channel per quantity of a device or site."""

    name = "telemetry"

    def ready(self) -> None:
        """Register the resources of the API and the bridge's health."""
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.registry import HealthCheck, health_checks
        from telemetry import api, health

        api_resources.add(ApiResource("readings", api.ReadingViewSet, order=21))
        api_resources.add(ApiResource("dead-letters", api.DeadLetterViewSet, order=23))
        api_resources.add(ApiResource("device-credentials", api.DeviceCredentialViewSet, order=24))
        health_checks.add(HealthCheck("mqtt_bridge", health.bridge))
