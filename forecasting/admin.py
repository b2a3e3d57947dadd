"""Admin of forecasts: to look at, not to change."""

from django.contrib import admin

from flexplatform.accounts.admin_access import OrganizationFilter, TenantRecordAdmin
from forecasting.models import ForecastRun


@admin.register(ForecastRun)
class ForecastRunAdmin(TenantRecordAdmin):
    """Forecasts as they were delivered."""

    list_display = ("channel", "source", "model", "start", "end", "issued_at", "received_at")
    list_filter = (OrganizationFilter, "source")
    list_select_related = ("channel__site", "channel__asset", "organization")
    date_hierarchy = "issued_at"
