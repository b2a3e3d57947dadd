"""Products, contracts and how often plans are renewed, in the API."""

from typing import Any

from assets.api.needs import row_needs
from assets.models import Site
from assets.tables import editable_fields
from flexmarket.models import Contract, MarketProduct, RollingOperation
from flexmarket.trading import products
from flexplatform.accounts import permissions
from flexplatform.api.filters import row, same
from flexplatform.api.rows import RowViewSet
from flexplatform.api.serializers import row_serializer

ProductSerializer = row_serializer(MarketProduct, editable_fields(MarketProduct))
RollingSerializer = row_serializer(RollingOperation, editable_fields(RollingOperation))
ContractSerializer = row_serializer(Contract, editable_fields(Contract))


class ProductViewSet(RowViewSet):
    """The products of markets, with their terms of offers and of delivery."""

    model = MarketProduct
    serializer_class = ProductSerializer
    needs = row_needs(permissions.VIEW_OFFERS, permissions.CHANGE_PRODUCTS)
    filters = {"name": same("name"), "market": same("market")}
    orderings = ("name",)
    sample = {
        "name": "Redispatch, afternoon",
        "market": "ALF",
        "currency": "EUR",
        "gate_closure_minutes": 60,
        "minimum_power_kw": 1.0,
        "power_step_kw": 0.5,
        "minimum_minutes": 15,
        "maximum_minutes": 240,
        "most_calls_per_day": 2,
        "rest_minutes": 90,
        "partial_calls": True,
        "margin_share": 0.1,
        "margin_per_kwh": 0.02,
        "availability_price_per_kw_h": 0.0,
        "baseline_method": "schedule",
        "tolerance_share": 0.05,
        "minimum_delivery_share": 0.75,
        "penalty_per_kwh": 0.3,
        "is_active": True,
    }

    def make(self, values: dict[str, Any]) -> MarketProduct:
        """Store a product."""
        return products.create_product(organization=self.organization, values=values)

    def change(self, row: MarketProduct, values: dict[str, Any]) -> MarketProduct:
        """Change a product."""
        return products.update_product(product=row, values=values)

    def remove(self, row: MarketProduct) -> None:
        """Delete a product without offers."""
        products.delete_product(product=row)


class ContractViewSet(RowViewSet):
    """Who shares in what the calls of a site, or of a portfolio's sites, earn."""

    model = Contract
    serializer_class = ContractSerializer
    needs = row_needs(permissions.VIEW_SETTLEMENT, permissions.CHANGE_PRODUCTS)
    filters = {"name": same("name"), "site": row("site", Site)}
    orderings = ("name", "valid_from")
    sample = {
        "name": "Dachau 1",
        "site": 1,
        "portfolio": None,
        "owner_share": 0.8,
        "valid_from": "2026-01-01",
        "valid_to": None,
    }

    def make(self, values: dict[str, Any]) -> Contract:
        """Store a contract."""
        return products.create_contract(organization=self.organization, values=values)

    def change(self, row: Contract, values: dict[str, Any]) -> Contract:
        """Change a contract."""
        return products.update_contract(contract=row, values=values)

    def remove(self, row: Contract) -> None:
        """Delete a contract."""
        products.delete_contract(contract=row)


class RollingOperationViewSet(RowViewSet):
    """How often, and on what deviation, plans are renewed while the day runs: of a site, or of all others."""

    model = RollingOperation
    serializer_class = RollingSerializer
    needs = row_needs(permissions.VIEW_SCHEDULES, permissions.SWITCH_DISPATCH)
    filters = {"site": row("site", Site)}
    orderings = ("interval_minutes",)
    sample = {"site": 1, "enabled": True, "interval_minutes": 60, "deviation_percent": 5.0}

    def make(self, values: dict[str, Any]) -> RollingOperation:
        """Store it."""
        return products.create_rolling(organization=self.organization, values=values)

    def change(self, row: RollingOperation, values: dict[str, Any]) -> RollingOperation:
        """Change it."""
        return products.update_rolling(rolling=row, values=values)

    def remove(self, row: RollingOperation) -> None:
        """Delete it."""
        products.delete_rolling(rolling=row)
