"""Admin of schedules: to look at, not to change."""

from django.contrib import admin

from flexplatform.accounts.admin_access import OrganizationFilter, TenantRecordAdmin
from optimization.models import PortfolioRun, ScheduleRun


@admin.register(ScheduleRun)
class ScheduleRunAdmin(TenantRecordAdmin):
    """Stored runs."""

    list_display = ("site", "start", "status", "total_cost_eur", "baseline_cost_eur", "gap", "created_at")
    list_filter = (OrganizationFilter, "status")
    list_select_related = ("site", "organization")
    date_hierarchy = "start"


@admin.register(PortfolioRun)
class PortfolioRunAdmin(TenantRecordAdmin):
    """Runs over many sites."""

    list_display = ("job", "created_at", "site_count", "planned", "unchanged", "failed")
    list_filter = (OrganizationFilter,)
    list_select_related = ("job", "organization")
    date_hierarchy = "created_at"
