"""Admin of jobs: to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from flexplatform.jobs.models import Job


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):
    """Background work of all organizations."""

    list_display = ("title", "organization", "kind", "status", "attempts", "worker", "created_at", "finished_at")
    list_filter = ("status", "kind", "organization")
    list_select_related = ("organization",)
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a job comes from a request only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a job is a record."""
        return False
