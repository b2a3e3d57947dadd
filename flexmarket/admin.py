"""Admin of offers, orders, settlement and scenarios: to look at, not to change."""

from django.contrib import admin

from flexmarket.models import (
    Contract,
    Delivery,
    FlexibilityOffers,
    MarketOffer,
    MarketProduct,
    Order,
    Scenario,
    ScenarioRun,
    Statement,
)
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
    list_display = ("scenario", "label", "solver", "method", "created_at")
    list_filter = ("solver",)
    list_select_related = ("scenario", "organization")
    fields = (
        "organization",
        "scenario",
        "label",
        "changes",
        "solver",
        "gap",
        "time_limit",
        "method",
        "job",
        "created_at",
    )


@admin.register(MarketProduct)
class MarketProductAdmin(TenantRecordAdmin):
    """Products of markets."""

    organization_path = "organization"
    list_display = ("name", "market", "organization", "gate_closure_minutes", "baseline_method", "is_active")
    list_filter = ("market", "is_active")
    list_select_related = ("organization",)


@admin.register(Contract)
class ContractAdmin(TenantRecordAdmin):
    """Contracts with owners."""

    organization_path = "organization"
    list_display = ("name", "site", "portfolio", "owner_share", "valid_from", "valid_to")
    list_select_related = ("site", "portfolio", "organization")


@admin.register(MarketOffer)
class MarketOfferAdmin(TenantRecordAdmin):
    """Offers on markets."""

    organization_path = "organization"
    list_display = ("reference", "site", "asset", "direction", "start", "power_kw", "state")
    list_filter = ("state", "direction", "method")
    list_select_related = ("site", "asset", "organization")
    fields = (
        "organization",
        "product",
        "site",
        "asset",
        "run",
        "method",
        "direction",
        "start",
        "step_seconds",
        "count",
        "power_kw",
        "minimum_power_kw",
        "energy_kwh",
        "prices",
        "cost_eur",
        "exclusive_group",
        "valid_until",
        "versions",
        "state",
        "reason",
    )


@admin.register(Order)
class OrderAdmin(TenantRecordAdmin):
    """Orders and how far they are."""

    organization_path = "organization"
    list_display = ("reference", "offer", "power_kw", "price_per_kwh", "state", "received_at")
    list_filter = ("state",)
    list_select_related = ("offer", "organization")
    fields = (
        "organization",
        "reference",
        "offer",
        "request",
        "power_kw",
        "price_per_kwh",
        "state",
        "reason",
        "received_at",
        "activated_at",
        "job",
        "run",
    )


@admin.register(Delivery)
class DeliveryAdmin(TenantRecordAdmin):
    """What orders delivered."""

    organization_path = "organization"
    list_display = ("order", "version", "ordered_kwh", "delivered_kwh", "unmeasured_steps", "amount", "metered_at")
    list_select_related = ("order", "organization")
    fields = (
        "organization",
        "order",
        "version",
        "baseline_method",
        "ordered_kwh",
        "delivered_kwh",
        "missing_kwh",
        "unmeasured_steps",
        "payment",
        "penalty",
        "amount",
        "metered_at",
    )


@admin.register(Statement)
class StatementAdmin(TenantRecordAdmin):
    """Statements by contract and month."""

    organization_path = "organization"
    list_display = ("contract_name", "month", "version", "state", "amount", "owner_amount", "aggregator_amount")
    list_filter = ("state",)
    list_select_related = ("contract", "organization")
