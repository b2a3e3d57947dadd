"""Stored offers, and the scenarios of the lab."""

from flexmarket.models.offers import SERIES, FlexibilityOffers
from flexmarket.models.scenarios import Scenario, ScenarioArchive, ScenarioRun, ScenarioSeries

__all__ = ["SERIES", "FlexibilityOffers", "Scenario", "ScenarioArchive", "ScenarioRun", "ScenarioSeries"]
