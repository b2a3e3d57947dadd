"""Admin of offers: to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from flexmarket.models import FlexibilityOffers


@admin.register(FlexibilityOffers)
class FlexibilityOffersAdmin(admin.ModelAdmin):
    """Stored offers by run and device."""

    list_display = ("device", "kind", "method", "run")
    list_filter = ("method", "kind")
    list_select_related = ("run__site",)
    fields = ("run", "device", "kind", "method")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: offers come from a run only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: offers are a record."""
        return False
