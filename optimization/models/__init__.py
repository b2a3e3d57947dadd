"""Stored schedules, and runs over many sites."""

from optimization.models.portfolio_runs import PlannedSite, PortfolioRun
from optimization.models.schedules import ScheduleRun, ScheduleSeries

__all__ = ["PlannedSite", "PortfolioRun", "ScheduleRun", "ScheduleSeries"]
