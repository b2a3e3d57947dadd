"""What is expected, as it was known at each time."""

from dataclasses import replace
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ForecastingConfig(AppConfig):
    """Floor 4: forecasts of channels, received from outside or made here."""

    name = "forecasting"

    def ready(self) -> None:
        """Register the resources of the API, the pages, what leads to them, and the work of fetching."""
        from flexplatform.accounts import permissions
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.jobs.registry import JobKind, Priority, job_kinds
        from flexplatform.registry import (
            AlertSource,
            DemoStep,
            NavigationEntry,
            Panel,
            Route,
            alert_sources,
            demo_steps,
            measures,
            navigation,
            panels,
            routes,
        )
        from forecasting import (
            api,
            demo,
            forecast_jobs,
            own_api,
            price_forecast_api,
            provider_api,
            services,
            tasks,
        )
        from forecasting import panels as own
        from forecasting.measures import MEASURES

        api_resources.add(ApiResource("channels", api.ChannelViewSet, order=25))
        api_resources.add(ApiResource("forecasts", api.ForecastViewSet, order=26))
        api_resources.add(ApiResource("weather-feeds", provider_api.WeatherFeedViewSet, order=27))
        api_resources.add(ApiResource("price-feeds", provider_api.PriceFeedViewSet, order=28))
        api_resources.add(ApiResource("channel-forecasts", own_api.ChannelForecastViewSet, order=29))
        api_resources.add(ApiResource("price-forecasts", price_forecast_api.PriceForecastViewSet, order=30))
        routes.add(Route("forecasting", "", "forecasting.urls", order=25))
        panels.add(Panel("forecasts", "site", "forecasting/site_panel.html", own.link, order=80))
        navigation.add(
            NavigationEntry(
                "forecasts", _("Forecasts"), "own_forecasts", permissions.VIEW_FORECASTS, 40, "chart-line", "plan"
            )
        )
        navigation.add(
            NavigationEntry(
                "providers", _("Data providers"), "providers", permissions.VIEW_FORECASTS, 40, "cloud", "organization"
            )
        )
        alert_sources.add(AlertSource("providers", own.alerts, permissions.VIEW_FORECASTS, order=40))
        for measure in MEASURES:
            measures.add(measure)
        alert_sources.add(AlertSource("forecasts", own.drift, permissions.VIEW_FORECASTS, order=41))
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
        demo_steps.add(DemoStep("own_forecasts", "Own forecasts", demo.request_own_forecasts, order=40))
        may: dict[str, Any] = {
            "view_permission": permissions.VIEW_FORECASTS,
            "run_permission": permissions.CHANGE_FORECASTS,
        }
        for number, kind in enumerate(
            (
                JobKind(
                    services.FORECAST_ORGANIZATION,
                    "Forecasts",
                    forecast_jobs.hand_out_forecasts,
                    conclude=forecast_jobs.conclude_forecasts,
                    **may,
                ),
                JobKind(services.FORECAST_CHUNK, "Chunk of forecasts", forecast_jobs.forecast_chunk, **may),
                JobKind(
                    services.CHOOSE_MODELS,
                    "Choice of forecast models",
                    forecast_jobs.hand_out_choices,
                    conclude=forecast_jobs.conclude_choices,
                    **may,
                ),
                JobKind(services.CHOOSE_CHUNK, "Chunk of a choice of models", forecast_jobs.choose_chunk, **may),
                JobKind(
                    services.SCORE_FORECASTS, "Scores of forecasts", forecast_jobs.score, priority=Priority.LATER, **may
                ),
            )
        ):
            job_kinds.add(replace(kind, order=27 + number))
