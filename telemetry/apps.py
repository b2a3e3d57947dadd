"""What is measured, and the channels that measurements and forecasts belong to."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TelemetryConfig(AppConfig):
    """Floor 3: one channel per quantity of a device or site."""

    name = "telemetry"

    def ready(self) -> None:
        """Register the resources of the API, the pages and the bridge's health."""
        from flexplatform.accounts.permissions import VIEW_SETPOINTS, VIEW_TELEMETRY
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.registry import (
            AlertSource,
            DemoStep,
            HealthCheck,
            NavigationEntry,
            Panel,
            Route,
            alert_sources,
            demo_steps,
            health_checks,
            measures,
            navigation,
            routes,
        )
        from flexplatform.registry import panels as page_panels
        from telemetry import api, health, panels
        from telemetry.measures import MEASURES
        from telemetry.simulation.demo import make_devices

        api_resources.add(ApiResource("readings", api.ReadingViewSet, order=21))
        api_resources.add(ApiResource("dead-letters", api.DeadLetterViewSet, order=23))
        api_resources.add(ApiResource("setpoints", api.SetpointViewSet, order=22))
        api_resources.add(ApiResource("device-credentials", api.DeviceCredentialViewSet, order=24))
        routes.add(Route("telemetry", "telemetry/", "telemetry.urls", order=20))
        navigation.add(NavigationEntry("telemetry", _("Telemetry"), "telemetry", VIEW_TELEMETRY, 30, "antenna"))
        routes.add(Route("dispatch", "dispatch/", "telemetry.dispatch_urls", order=21))
        navigation.add(NavigationEntry("setpoints", _("Dispatch"), "setpoints", VIEW_SETPOINTS, 31, "send"))
        page_panels.add(Panel("live_power", "map_site", "telemetry/map_site_panel.html", panels.live_power, order=20))
        page_panels.add(
            Panel(
                "dispatch",
                "site",
                "telemetry/site_dispatch_panel.html",
                panels.site_dispatch,
                order=60,
                permission=VIEW_SETPOINTS,
            )
        )
        demo_steps.add(DemoStep("devices", "Devices", make_devices, order=31))
        alert_sources.add(AlertSource("telemetry", panels.alerts, VIEW_TELEMETRY, order=30))
        health_checks.add(HealthCheck("mqtt_bridge", health.bridge))
        for measure in MEASURES:
            measures.add(measure)
