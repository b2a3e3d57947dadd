"""Sites, portfolios, devices."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AssetsConfig(AppConfig):
    """Floor 2: what there is, where it stands and what it can do."""

    name = "assets"

    def ready(self) -> None:
        """Register routes, panels and the part of the demo that needs no schedule."""
        from assets import api, demo
        from assets import panels as own
        from flexplatform.accounts import permissions
        from flexplatform.api.registry import api_resources
        from flexplatform.registry import (
            DemoStep,
            NavigationEntry,
            Panel,
            Route,
            demo_steps,
            navigation,
            panels,
            routes,
        )

        for resource in api.RESOURCES:
            api_resources.add(resource)
        routes.add(Route("assets", "", "assets.urls", order=10))
        tariffs = NavigationEntry("tariffs", _("Tariffs"), "tariffs", permissions.VIEW_TARIFFS, 60, "receipt", "plan")
        navigation.add(tariffs)
        navigation.add(NavigationEntry("map", _("Map"), "map", permissions.VIEW_SITES, 10, "map-2"))
        scripts = (
            "leaflet/leaflet.js",
            "vendor/leaflet.markercluster/leaflet.markercluster.js",
            "flexplatform/map.js",
        )
        styles = ("leaflet/leaflet.css", "vendor/leaflet.markercluster/MarkerCluster.css")
        for slot, half in (("overview", True), ("map", False)):
            panels.add(
                Panel(
                    f"map of the {slot}",
                    slot,
                    "assets/map_panel.html",
                    own.site_map,
                    order=30,
                    scripts=scripts,
                    styles=styles,
                    half=half,
                )
            )
        panels.add(Panel("devices", "site", "assets/devices_panel.html", own.devices, order=90))
        demo_steps.add(DemoStep("portfolio", "Portfolio", demo.make_portfolio, order=10))
