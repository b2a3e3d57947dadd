"""Admin of channels, mappings and retention; of credentials to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from flexplatform.accounts.admin_access import OrganizationFilter, TenantAdmin, TenantRecordAdmin
from telemetry.mapping_admin import MappingAdmin
from telemetry.models import Channel, DeviceCredential, Mapping, Retention

admin.site.register(Mapping, MappingAdmin)


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


@admin.register(DeviceCredential)
class DeviceCredentialAdmin(TenantRecordAdmin):
    """What devices sign in with; the portal makes, rotates and revokes it, as only there a password is shown once."""

    list_display = ("username", "site", "asset", "created_at", "rotated_at", "revoked_at")
    list_filter = (OrganizationFilter,)
    list_select_related = ("site", "asset", "organization")
    search_fields = ("username", "site__name", "asset__name")
    fields = ("organization", "username", "site", "asset", "created_at", "rotated_at", "revoked_at")


@admin.register(Retention)
class RetentionAdmin(TenantAdmin):
    """How long single readings and refused messages stay."""

    list_display = ("organization", "reading_days", "letter_days")
    list_select_related = ("organization",)
    fields = ("organization", "reading_days", "letter_days")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a stored row in its organization."""
        return () if obj is None else ("organization",)
