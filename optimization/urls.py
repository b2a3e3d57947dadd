"""Addresses of schedules, below `/o/<organization>/`."""

from django.urls import path

from optimization.overview_panels import OverviewPower
from optimization.portfolio_views import PlanAllSites, PortfolioRunList, PortfolioRunPage
from optimization.views import PlanSite, ScheduleCharts, ScheduleCsv

urlpatterns = [
    path("overview/power.json", OverviewPower.as_view(), name="overview_power"),
    path("sites/<slug:site>/plan/", PlanSite.as_view(), name="plan_site"),
    path("portfolio-runs/", PortfolioRunList.as_view(), name="portfolio_runs"),
    path("portfolio-runs/plan/", PlanAllSites.as_view(), name="plan_all_sites"),
    path("portfolio-runs/<int:portfolio_run>/", PortfolioRunPage.as_view(), name="portfolio_run"),
    path("runs/<int:run>/charts.json", ScheduleCharts.as_view(), name="schedule_charts"),
    path("runs/<int:run>/schedule.csv", ScheduleCsv.as_view(), name="schedule_csv"),
]
