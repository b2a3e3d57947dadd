"""Admin of offers and scenarios: to look at, not to change."""

from django.contrib import admin

from flexmarket.models import FlexibilityOffers, Scenario, ScenarioRun
from flexplatform.accounts.admin_access import TenantRecordAdmin


@admin.register(FlexibilityOffers)
class FlexibilityOffersAdmin(TenantRecordAdmin):
    """Stored offers by run and device."""

    organization_path = "run__organization"
    list_display = ("device", "kind", "method", "run")
    list_filter = ("method", "kind")
    list_select_related = ("run__site", "run__organization")
    fields = ("run", "device", "kind", "method")


@admin.register(Scenario)
class ScenarioAdmin(TenantRecordAdmin):
    """Scenarios of the lab."""

    organization_path = "organization"
    list_display = ("name", "origin", "day", "organization", "created_at")
    list_select_related = ("organization",)
    fields = ("organization", "name", "template", "file_name", "day", "time_zone", "step_minutes", "created_at")


@admin.register(ScenarioRun)
class ScenarioRunAdmin(TenantRecordAdmin):
    """Runs of scenarios."""

    organization_path = "organization"
    list_display = ("scenario", "label", "solver", "created_at")
    list_filter = ("solver",)
    list_select_related = ("scenario", "organization")
    fields = ("organization", "scenario", "label", "changes", "solver", "gap", "time_limit", "job", "created_at")
