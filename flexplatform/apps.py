"""The platform's own app: commands, static files, base templates."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FlexPlatformConfig(AppConfig):
    """Floor 1: everything the other apps stand on."""

    name = "flexplatform"

    def ready(self) -> None:
        """Register the platform's own health check and the overview's link."""
        from flexplatform.accounts import permissions
        from flexplatform.portal import health
        from flexplatform.registry import HealthCheck, NavigationEntry, health_checks, navigation

        overview = NavigationEntry(
            "overview", _("Overview"), "overview", permissions.VIEW_SITES, order=0, icon="layout-dashboard"
        )
        navigation.add(overview)

        health_checks.add(HealthCheck("database", health.database))
