"""What is expected, as it was known at each time."""

from django.apps import AppConfig


class ForecastingConfig(AppConfig):
    """Floor 4: forecasts of channels, received from outside or made here."""

    name = "forecasting"

    def ready(self) -> None:
        """Register the resources of the API, the pages and the site's link to them."""
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.registry import Panel, Route, panels, routes
        from forecasting import api
        from forecasting import panels as own

        api_resources.add(ApiResource("channels", api.ChannelViewSet, order=25))
        api_resources.add(ApiResource("forecasts", api.ForecastViewSet, order=26))
        routes.add(Route("forecasting", "", "forecasting.urls", order=25))
        panels.add(Panel("forecasts", "site", "forecasting/site_panel.html", own.link, order=80))
