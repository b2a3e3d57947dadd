"""Admin of offers: to look at, not to change."""

from django.contrib import admin

from flexmarket.models import FlexibilityOffers
from flexplatform.accounts.admin_access import TenantRecordAdmin


@admin.register(FlexibilityOffers)
class FlexibilityOffersAdmin(TenantRecordAdmin):
    """Stored offers by run and device."""

    organization_path = "run__organization"
    list_display = ("device", "kind", "method", "run")
    list_filter = ("method", "kind")
    list_select_related = ("run__site", "run__organization")
    fields = ("run", "device", "kind", "method")
