"""Admin of channels."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from flexplatform.accounts.admin_access import OrganizationFilter, TenantAdmin
from telemetry.models import Channel


@admin.register(Channel)
class ChannelAdmin(TenantAdmin):
    """What is measured and forecast; a stored channel stays what it is about."""

    list_display = ("site", "asset", "quantity", "unit", "resolution_seconds", "last_value", "last_at")
    list_filter = (OrganizationFilter, "quantity")
    list_select_related = ("site", "asset", "organization")
    search_fields = ("site__name", "site__slug", "asset__name")
    autocomplete_fields = ("site",)
    raw_id_fields = ("asset",)
    fields = (
        "organization",
        "site",
        "asset",
        "quantity",
        "unit",
        "sign",
        "resolution_seconds",
        "stale_after_seconds",
        "last_value",
        "last_at",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep what a stored channel is about."""
        computed = ("unit", "sign", "last_value", "last_at")
        return computed if obj is None else ("organization", "site", "asset", "quantity", *computed)
