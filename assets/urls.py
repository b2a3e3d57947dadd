"""Addresses of sites, below `/o/<organization>/`."""

from django.urls import path

from assets.views import SiteMap, SitePage

urlpatterns = [
    path("sites.json", SiteMap.as_view(), name="site_map"),
    path("sites/<slug:site>/", SitePage.as_view(), name="site"),
]
