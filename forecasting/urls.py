"""Addresses of forecasts, below `/o/<organization>/`."""

from django.urls import path

from forecasting.views import ForecastChart, ForecastImport, ForecastsPage

urlpatterns = [
    path("sites/<slug:site>/forecasts/", ForecastsPage.as_view(), name="forecasts"),
    path("sites/<slug:site>/forecasts/chart.json", ForecastChart.as_view(), name="forecast_chart"),
    path("sites/<slug:site>/forecasts/import/", ForecastImport.as_view(), name="forecast_import"),
]
