"""Every address below `/api/v1/`: the platform's resources and those that apps registered."""

from django.urls import URLPattern, URLResolver, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from flexplatform.api.errors import not_found
from flexplatform.api.registry import ApiResource, api_resources
from flexplatform.api.resources import AuditEventViewSet, JobViewSet, TokenViewSet

app_name = "api"

OWN = (
    ApiResource("jobs", JobViewSet, order=80),
    ApiResource("audit-events", AuditEventViewSet, order=90),
    ApiResource("token", TokenViewSet, order=95),
)


def _resources() -> list[URLPattern | URLResolver]:
    router = SimpleRouter(use_regex_path=False)
    for resource in (*api_resources, *OWN):
        router.register(resource.name, resource.viewset, basename=resource.name.replace("/", "-"))
    return router.urls


urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/docs.html"),
        name="docs",
    ),
    *_resources(),
    re_path(r"^.*$", not_found),
]
