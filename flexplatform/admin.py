"""How the admin site is set up; the site itself is accounts/admin_site.py."""

from importlib import import_module

from django.apps import apps
from django.contrib.admin.apps import SimpleAdminConfig
from django.utils.module_loading import module_has_submodule

WITHOUT_GDAL = {"leaflet"}


class FlexAdminConfig(SimpleAdminConfig):
    """Discover the admin modules of all apps but django-leaflet, whose module needs GDAL."""

    default_site = "flexplatform.accounts.admin_site.FlexAdminSite"

    def ready(self) -> None:
        """Register the checks, then import the admin module of each app."""
        super().ready()
        for config in apps.get_app_configs():
            if config.module and config.name not in WITHOUT_GDAL and module_has_submodule(config.module, "admin"):
                import_module(f"{config.name}.admin")
