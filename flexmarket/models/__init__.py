"""Stored offers, products and orders of markets, deliveries and statements, and the scenarios of the lab."""

from flexmarket.models.flexmeasures import FlexMeasuresLink, FlexMeasuresSensor, FlexMeasuresServer
from flexmarket.models.market_offers import STATE_LABELS, MarketOffer, Order
from flexmarket.models.offers import SERIES, FlexibilityOffers
from flexmarket.models.products import Contract, MarketProduct
from flexmarket.models.rolling import RollingOperation
from flexmarket.models.scenarios import Scenario, ScenarioArchive, ScenarioRun, ScenarioSeries
from flexmarket.models.settlement import Delivery, Dispute, Statement, StatementLine

__all__ = [
    "SERIES",
    "STATE_LABELS",
    "Contract",
    "Delivery",
    "Dispute",
    "FlexMeasuresLink",
    "FlexMeasuresSensor",
    "FlexMeasuresServer",
    "FlexibilityOffers",
    "MarketOffer",
    "MarketProduct",
    "Order",
    "RollingOperation",
    "Scenario",
    "ScenarioArchive",
    "ScenarioRun",
    "ScenarioSeries",
    "Statement",
    "StatementLine",
]
