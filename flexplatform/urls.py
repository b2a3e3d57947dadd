"""Every address of the platform; the apps' own come from the registry and live below `/o/<organization>/`."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from flexplatform.portal.health import healthz
from flexplatform.portal.views import Favicon, Home, Overview
from flexplatform.registry import routes

urlpatterns = [
    path("", Home.as_view(), name="home"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("favicon.ico", Favicon.as_view(), name="favicon"),
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("o/<slug:organization>/", Overview.as_view(), name="overview"),
    *(path(f"o/<slug:organization>/{route.prefix}", include(route.urlconf)) for route in routes),
]
