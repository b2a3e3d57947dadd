"""Addresses of offers, below `/o/<organization>/`."""

from django.urls import path

from flexmarket.views import OfferCharts, OfferExport

urlpatterns = [
    path("runs/<int:run>/offers.json", OfferCharts.as_view(), name="offer_charts"),
    path("runs/<int:run>/offers/<slug:market>.zip", OfferExport.as_view(), name="offer_export"),
]
