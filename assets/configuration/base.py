"""What the admin pages of all configured tables share: scope, history to read, inline help, CSV."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from assets.configuration.map_picker import widget_of
from flexplatform.accounts.admin_access import OrganizationFilter, TenantAdmin

LONGEST_KEY = 18
# The longest first, as several end alike.
UNITS = {
    "_eur_per_kwh": "EUR/kWh",
    "_kw_per_minute": "kW/min",
    "_percent_per_day": "% per day",
    "_per_kwh": "per kWh",
    "_per_kw": "per kW",
    "_temperature_c": "°C",
    "_minutes": "min",
    "_percent": "%",
    "_eur": "EUR",
    "_kwh": "kWh",
    "_kw": "kW",
}


class ConfiguredAdmin(SimpleHistoryAdmin, TenantAdmin):
    """A tenant's table with its history, which is there to be read."""

    list_filter: ClassVar[Any] = (OrganizationFilter,)
    list_per_page = 50
    object_history_list_template = "admin/assets/history_list.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a stored row in its organization."""
        fixed = super().get_readonly_fields(request, obj)
        return [*fixed, "organization"] if obj is not None and self.organization_path == "organization" else fixed

    def formfield_for_dbfield(self, db_field: "models.Field[Any, Any]", request: Any, **kwargs: Any) -> Any:
        """Return the form field of a column, with its unit, and with a map for coordinates."""
        widget = widget_of(db_field)
        if widget is not None:
            kwargs["widget"] = widget
        return with_unit(super().formfield_for_dbfield(db_field, request, **kwargs), db_field.name)

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True: what was is changed by a new write only, which is checked like any other."""
        return True

    def history_view(self, request: Any, object_id: str, extra_context: Any = None) -> Any:
        """Show who changed the row when."""
        try:
            _require_keys(object_id)
            return super().history_view(request, object_id, extra_context)
        except (ObjectDoesNotExist, Http404):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)

    def history_form_view(self, request: Any, object_id: str, version_id: str, extra_context: Any = None) -> Any:
        """Show the row as it was."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        try:
            _require_keys(object_id, version_id)
            return super().history_form_view(request, object_id, version_id, extra_context)
        except (ObjectDoesNotExist, Http404):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)


def with_unit(form_field: Any, name: str) -> Any:
    """Return a form field whose label says the unit that its column's name ends with."""
    unit = next((ending for ending in UNITS if name.endswith(ending)), None)
    if form_field is not None and unit is not None:
        kept = "_temperature" if unit == "_temperature_c" else ""
        words = f"{name.removesuffix(unit)}{kept}".replace("_", " ").replace("soc", "state of charge")
        form_field.label = f"{words[:1].upper()}{words[1:]} ({UNITS[unit]})"
    return form_field


class PartInline(admin.TabularInline):
    """Rows that belong to the row of the page."""

    extra = 0
    show_change_link = False

    def formfield_for_dbfield(self, db_field: "models.Field[Any, Any]", request: Any, **kwargs: Any) -> Any:
        """Return the form field of a column, with its unit."""
        return with_unit(super().formfield_for_dbfield(db_field, request, **kwargs), db_field.name)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True: the page itself asks for the right."""
        return True

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


def _require_keys(*keys: str) -> None:
    """Refuse what is no number, or none that a database knows."""
    if not all(key.isascii() and key.isdigit() and len(key) <= LONGEST_KEY for key in keys):
        raise Http404
