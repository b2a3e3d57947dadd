"""What is expected, as it was known at each time."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ForecastingConfig(AppConfig):
    """Floor 4: forecasts of channels, received from outside or made here."""

    name = "forecasting"

    def ready(self) -> None:
        """Register the resources of the API, the pages, what leads to them, and the work of fetching."""
        from flexplatform.accounts import permissions
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.jobs.registry import JobKind, job_kinds
        from flexplatform.registry import (
            AlertSource,
            NavigationEntry,
            Panel,
            Route,
            alert_sources,
            navigation,
            panels,
            routes,
        )
        from forecasting import api, provider_api, services, tasks
        from forecasting import panels as own

        api_resources.add(ApiResource("channels", api.ChannelViewSet, order=25))
        api_resources.add(ApiResource("forecasts", api.ForecastViewSet, order=26))
        api_resources.add(ApiResource("weather-feeds", provider_api.WeatherFeedViewSet, order=27))
        api_resources.add(ApiResource("price-feeds", provider_api.PriceFeedViewSet, order=28))
        routes.add(Route("forecasting", "", "forecasting.urls", order=25))
        panels.add(Panel("forecasts", "site", "forecasting/site_panel.html", own.link, order=80))
        navigation.add(
            NavigationEntry(
                "providers", _("Data providers"), "providers", permissions.VIEW_FORECASTS, 40, "cloud", "organization"
            )
        )
        alert_sources.add(AlertSource("providers", own.alerts, permissions.VIEW_FORECASTS, order=40))
        job_kinds.add(
            JobKind(
                services.FETCH_WEATHER,
                "Weather",
                tasks.fetch_weather,
                view_permission=permissions.VIEW_FORECASTS,
                run_permission=permissions.CHANGE_FORECASTS,
                result_url=tasks.providers_page,
                order=25,
            )
        )
        job_kinds.add(
            JobKind(
                services.FETCH_PRICES,
                "Prices",
                tasks.fetch_prices,
                view_permission=permissions.VIEW_PRICES,
                run_permission=permissions.CHANGE_PRICES,
                result_url=tasks.providers_page,
                order=26,
            )
        )
