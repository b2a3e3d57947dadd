"""Admin of schedules: to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from optimization.models import ScheduleRun


@admin.register(ScheduleRun)
class ScheduleRunAdmin(admin.ModelAdmin):
    """Stored runs."""

    list_display = ("site", "start", "status", "total_cost_eur", "baseline_cost_eur", "gap", "created_at")
    list_filter = ("organization", "status")
    list_select_related = ("site",)
    date_hierarchy = "start"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a run comes from the engine only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a run is a record."""
        return False
