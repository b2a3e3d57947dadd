"""The admin site: superusers only, every page inside a tenant scope."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import SimpleAdminConfig
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.module_loading import module_has_submodule

WITHOUT_GDAL = {"leaflet"}


class FlexAdminSite(AdminSite):
    """Django's admin inside the scope of all organizations, which only the platform's superusers may enter."""

    site_header = "FlexPlatform administration"
    site_title = "FlexPlatform"
    index_title = "Configuration"

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is an active superuser."""
        return bool(request.user.is_active and request.user.is_superuser)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap `view` so that its queries and its template run with the scope of all organizations."""

        def scoped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            from flexplatform.accounts.scoping import platform_scope

            with platform_scope(request.user):
                response = view(request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response

        scoped.__name__ = getattr(view, "__name__", "admin_view")
        return super().admin_view(scoped, cacheable)


class FlexAdminConfig(SimpleAdminConfig):
    """Discover the admin modules of all apps but django-leaflet, whose module needs GDAL."""

    default_site = "flexplatform.admin.FlexAdminSite"

    def ready(self) -> None:
        """Register the checks, then import the admin module of each app."""
        super().ready()
        for config in apps.get_app_configs():
            if config.module and config.name not in WITHOUT_GDAL and module_has_submodule(config.module, "admin"):
                import_module(f"{config.name}.admin")
