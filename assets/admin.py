"""Admin of portfolios, sites and every device kind."""

from typing import Any

from django.contrib import admin

from assets.models import KINDS, ElectricVehicle, EvStay, Portfolio, Site
from flexplatform.accounts.admin_access import OrganizationFilter, TenantAdmin, TenantInline


@admin.register(Portfolio)
class PortfolioAdmin(TenantAdmin):
    """Groups of sites."""

    list_display = ("name", "organization")
    list_filter = (OrganizationFilter,)
    list_select_related = ("organization",)
    search_fields = ("name",)


@admin.register(Site)
class SiteAdmin(TenantAdmin):
    """Places with a grid connection."""

    list_display = ("name", "portfolio", "address", "import_limit_kw", "export_limit_kw")
    list_filter = (OrganizationFilter, "portfolio")
    list_select_related = ("portfolio", "organization")
    search_fields = ("name", "address", "external_id")
    prepopulated_fields = {"slug": ("name",)}


class EvStayInline(TenantInline):
    """When a vehicle stands at its charger."""

    model = EvStay
    extra = 1


class AssetAdmin(TenantAdmin):
    """Devices of one kind."""

    organization_path = "site__organization"
    list_filter = (OrganizationFilter,)
    list_select_related = ("site__organization",)
    search_fields = ("name", "site__name")

    def get_list_display(self, request: Any) -> Any:
        """Return name, site and the first columns of the kind's own table."""
        own = [field.name for field in self.model._meta.local_fields if not field.remote_field]
        return ["name", "site", *own[:4]]


class ElectricVehicleAdmin(AssetAdmin):
    """Vehicles with their stays."""

    inlines = (EvStayInline,)


for kind, model in KINDS.items():
    admin.site.register(model, ElectricVehicleAdmin if kind == ElectricVehicle.KIND else AssetAdmin)
