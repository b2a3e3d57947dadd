"""Addresses of sites and tariffs, below `/o/<organization>/`."""

from django.urls import path

from assets.views import MapPage, MapSite, SiteMap, SitePage, TariffCharts, TariffList, TariffPage

urlpatterns = [
    path("sites.json", SiteMap.as_view(), name="site_map"),
    path("map/", MapPage.as_view(), name="map"),
    path("map/<slug:site>/", MapSite.as_view(), name="map_site"),
    path("sites/<slug:site>/", SitePage.as_view(), name="site"),
    path("tariffs/", TariffList.as_view(), name="tariffs"),
    path("tariffs/<int:tariff>/", TariffPage.as_view(), name="tariff"),
    path("tariffs/<int:tariff>/prices.json", TariffCharts.as_view(), name="tariff_charts"),
]
