"""Stored offers, the products and orders of markets, and the scenarios of the lab."""

from flexmarket.models.market_offers import STATE_LABELS, MarketOffer, Order
from flexmarket.models.offers import SERIES, FlexibilityOffers
from flexmarket.models.products import Contract, MarketProduct
from flexmarket.models.scenarios import Scenario, ScenarioArchive, ScenarioRun, ScenarioSeries

__all__ = [
    "SERIES",
    "STATE_LABELS",
    "Contract",
    "FlexibilityOffers",
    "MarketOffer",
    "MarketProduct",
    "Order",
    "Scenario",
    "ScenarioArchive",
    "ScenarioRun",
    "ScenarioSeries",
]
