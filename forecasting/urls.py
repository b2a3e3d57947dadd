"""Addresses of forecasts, below `/o/<organization>/`."""

from django.urls import path

from forecasting import own_views as own
from forecasting import provider_views as providers
from forecasting.views import ForecastChart, ForecastImport, ForecastsPage

urlpatterns = [
    path("sites/<slug:site>/forecasts/", ForecastsPage.as_view(), name="forecasts"),
    path("sites/<slug:site>/forecasts/chart.json", ForecastChart.as_view(), name="forecast_chart"),
    path("sites/<slug:site>/forecasts/import/", ForecastImport.as_view(), name="forecast_import"),
    path("forecasts/", own.OwnForecasts.as_view(), name="own_forecasts"),
    path("forecasts/models/", own.League.as_view(), name="forecast_league"),
    path("forecasts/forecast/", own.ForecastAll.as_view(), name="forecast_all"),
    path("forecasts/choose/", own.ChooseAll.as_view(), name="choose_all"),
    path("forecasts/<int:channel>/", own.ChannelForecastPage.as_view(), name="channel_forecast"),
    path("forecasts/<int:channel>/charts.json", own.ChannelForecastCharts.as_view(), name="channel_forecast_charts"),
    path("forecasts/<int:channel>/scores.json", own.ChannelScoreCharts.as_view(), name="channel_score_charts"),
    path("forecasts/<int:channel>/change/", own.ChannelForecastChange.as_view(), name="channel_forecast_change"),
    path("forecasts/<int:channel>/forecast/", own.ForecastChannel.as_view(), name="forecast_channel"),
    path("forecasts/<int:channel>/choose/", own.ChooseChannel.as_view(), name="choose_channel"),
    path("providers/", providers.Providers.as_view(), name="providers"),
    path("providers/weather/", providers.WeatherSwitch.as_view(), name="weather_switch"),
    path("providers/weather/fetch/", providers.WeatherFetch.as_view(), name="weather_fetch"),
    path("providers/prices/", providers.PriceFeedNew.as_view(), name="price_feed_new"),
    path("providers/prices/fetch/", providers.PricesFetch.as_view(), name="prices_fetch"),
    path("providers/prices/<int:price_feed>/delete/", providers.PriceFeedDelete.as_view(), name="price_feed_delete"),
    path("providers/keys/", providers.KeySet.as_view(), name="provider_key_set"),
    path("providers/keys/delete/", providers.KeyDelete.as_view(), name="provider_key_delete"),
]
