"""Admin pages of the devices, one per kind."""

from typing import Any

from django.db.models import QuerySet

from assets.configuration.base import PartInline
from assets.configuration.csv_pages import CsvAdmin
from assets.models import EvStay
from flexplatform.accounts.admin_access import OrganizationFilter

SHOWN_COLUMNS = 4


class EvStayInline(PartInline):
    """When a vehicle stands at its charger."""

    model = EvStay
    extra = 1


class AssetAdmin(CsvAdmin):
    """Devices of one kind."""

    organization_path = "site__organization"
    list_filter = (OrganizationFilter, "site__portfolio")
    list_select_related = ("site__organization",)
    search_fields = ("name", "site__name", "site__slug")
    autocomplete_fields = ("site",)

    @property
    def csv_table(self) -> str:  # type: ignore[override]
        """The kind of the devices."""
        return str(self.model.KIND)

    def get_list_display(self, request: Any) -> Any:
        """Return name, site and the first columns of the kind's own table."""
        own = [field.name for field in self.model._meta.local_fields if not field.remote_field]
        return ["name", "site", *own[:SHOWN_COLUMNS]]

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """Put the kind's own columns first and the place last."""
        own = [
            field.name
            for field in self.model._meta.local_concrete_fields
            if field.editable and field.remote_field is None
        ]
        groups: list[tuple[str | None, dict[str, list[str]]]] = [(None, {"fields": ["site", "name"]})]
        groups += [(str(self.model.LABEL), {"fields": own})] if own else []
        return [*groups, ("Place, where it is not the site's", {"fields": ["latitude", "longitude"]})]

    def csv_rows(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the devices with their sites."""
        return queryset.select_related("site")


class ElectricVehicleAdmin(AssetAdmin):
    """Vehicles with their stays."""

    inlines = (EvStayInline,)

    def csv_rows(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the vehicles with their sites and stays."""
        return super().csv_rows(queryset).prefetch_related("stays")
