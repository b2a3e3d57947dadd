"""The platform's own app: commands, static files, base templates."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FlexPlatformConfig(AppConfig):
    """Floor 1: everything the other apps stand on."""

    name = "flexplatform"

    def ready(self) -> None:
        """Register the platform's own health check, the overview's link and its alerts."""
        from flexplatform.accounts import permissions
        from flexplatform.portal import health
        from flexplatform.portal import panels as own
        from flexplatform.registry import HealthCheck, NavigationEntry, Panel, health_checks, navigation, panels

        overview = NavigationEntry(
            "overview", _("Overview"), "overview", permissions.VIEW_SITES, order=0, icon="layout-dashboard"
        )
        navigation.add(overview)
        panels.add(Panel("alerts", "overview", "portal/alerts_panel.html", own.alerts, order=5))

        health_checks.add(HealthCheck("database", health.database))
