"""Addresses of sites and tariffs, below `/o/<organization>/`."""

from django.urls import path

from assets.views import SiteMap, SitePage, TariffCharts, TariffList, TariffPage

urlpatterns = [
    path("sites.json", SiteMap.as_view(), name="site_map"),
    path("sites/<slug:site>/", SitePage.as_view(), name="site"),
    path("tariffs/", TariffList.as_view(), name="tariffs"),
    path("tariffs/<int:tariff>/", TariffPage.as_view(), name="tariff"),
    path("tariffs/<int:tariff>/prices.json", TariffCharts.as_view(), name="tariff_charts"),
]
