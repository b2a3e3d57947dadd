"""The demo's market: a product that is called soon, a contract, and plans that are renewed."""

from datetime import date
from decimal import Decimal

from assets.models import Portfolio
from flexmarket.models import Contract, MarketProduct, RollingOperation
from flexmarket.trading.products import create_contract, create_product
from flexplatform.registry import DemoContext, DemoProblem

PRODUCT = {
    "name": "Quarter-hours, called soon",
    "market": "Simulated",
    "gate_closure_minutes": 1,
    "minimum_power_kw": Decimal("0.5"),
    "maximum_minutes": 15,
    "margin_share": Decimal("0.1"),
    "margin_per_kwh": Decimal("0.05"),
    "penalty_per_kwh": Decimal("0.2"),
    "tolerance_share": Decimal("0.05"),
}


def make_market(context: DemoContext) -> list[DemoProblem]:
    """Make what the demo lacks of a market; what somebody has changed stays."""
    organization = context.organization
    if not MarketProduct.objects.filter(organization=organization).exists():
        create_product(organization=organization, values=PRODUCT)
    if not RollingOperation.objects.filter(organization=organization).exists():
        RollingOperation.objects.create(organization=organization, interval_minutes=120, deviation_percent=25.0)
    for portfolio in Portfolio.objects.filter(organization=organization):
        if not Contract.objects.filter(portfolio=portfolio).exists():
            values = {
                "name": f"{portfolio.name}, 80 % for owners",
                "portfolio": portfolio,
                "valid_from": date(2026, 1, 1),
            }
            create_contract(organization=organization, values={**values, "owner_share": Decimal("0.8")})
    return []
