"""The platform's own app: commands, static files, base templates."""

from django.apps import AppConfig


class FlexPlatformConfig(AppConfig):
    """Floor 1: everything the other apps stand on."""

    name = "flexplatform"

    def ready(self) -> None:
        """Register the platform's own health check."""
        from flexplatform.portal import health
        from flexplatform.registry import HealthCheck, health_checks

        health_checks.add(HealthCheck("database", health.database))
