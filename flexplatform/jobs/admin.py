"""Admin of jobs: to look at, not to change."""

from django.contrib import admin

from flexplatform.accounts.admin_access import OrganizationFilter, TenantRecordAdmin
from flexplatform.jobs.models import Job


@admin.register(Job)
class JobAdmin(TenantRecordAdmin):
    """Background work."""

    list_display = ("title", "organization", "kind", "status", "attempts", "worker", "created_at", "finished_at")
    list_filter = ("status", "kind", OrganizationFilter)
    list_select_related = ("organization",)
    date_hierarchy = "created_at"
