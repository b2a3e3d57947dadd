"""Addresses of forecasts, below `/o/<organization>/`."""

from django.urls import path

from forecasting import provider_views as providers
from forecasting.views import ForecastChart, ForecastImport, ForecastsPage

urlpatterns = [
    path("sites/<slug:site>/forecasts/", ForecastsPage.as_view(), name="forecasts"),
    path("sites/<slug:site>/forecasts/chart.json", ForecastChart.as_view(), name="forecast_chart"),
    path("sites/<slug:site>/forecasts/import/", ForecastImport.as_view(), name="forecast_import"),
    path("providers/", providers.Providers.as_view(), name="providers"),
    path("providers/weather/", providers.WeatherSwitch.as_view(), name="weather_switch"),
    path("providers/weather/fetch/", providers.WeatherFetch.as_view(), name="weather_fetch"),
    path("providers/prices/", providers.PriceFeedNew.as_view(), name="price_feed_new"),
    path("providers/prices/fetch/", providers.PricesFetch.as_view(), name="prices_fetch"),
    path("providers/prices/<int:price_feed>/delete/", providers.PriceFeedDelete.as_view(), name="price_feed_delete"),
    path("providers/keys/", providers.KeySet.as_view(), name="provider_key_set"),
    path("providers/keys/delete/", providers.KeyDelete.as_view(), name="provider_key_delete"),
]
