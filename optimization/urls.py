"""Addresses of schedules, below `/o/<organization>/`."""

from django.urls import path

from optimization import comparison_views as comparison
from optimization.overview_panels import OverviewPower
from optimization.portfolio_views import PlanAllSites, PortfolioRunList, PortfolioRunPage
from optimization.start_views import StartRun
from optimization.views import PlanSite, ScheduleCharts, ScheduleCsv, ScheduleReasons

PAIR = "portfolio-runs/<int:portfolio_run>/compare/<int:with_portfolio_run>"

urlpatterns = [
    path("plan/", StartRun.as_view(), name="plan_new"),
    path("sites/<slug:site>/runs/", comparison.SiteRuns.as_view(), name="site_runs"),
    path("sites/<slug:site>/runs/compare/", comparison.ChooseRuns.as_view(), name="run_choose"),
    path("runs/<int:run>/compare/<int:with_run>/", comparison.RunComparison.as_view(), name="run_compare"),
    path(
        "runs/<int:run>/compare/<int:with_run>/charts.json",
        comparison.RunComparisonCharts.as_view(),
        name="run_compare_charts",
    ),
    path("portfolio-runs/compare/", comparison.ChoosePortfolioRuns.as_view(), name="portfolio_choose"),
    path(f"{PAIR}/", comparison.PortfolioComparison.as_view(), name="portfolio_compare"),
    path("overview/power.json", OverviewPower.as_view(), name="overview_power"),
    path("sites/<slug:site>/plan/", PlanSite.as_view(), name="plan_site"),
    path("portfolio-runs/", PortfolioRunList.as_view(), name="portfolio_runs"),
    path("portfolio-runs/plan/", PlanAllSites.as_view(), name="plan_all_sites"),
    path("portfolio-runs/<int:portfolio_run>/", PortfolioRunPage.as_view(), name="portfolio_run"),
    path("runs/<int:run>/charts.json", ScheduleCharts.as_view(), name="schedule_charts"),
    path("runs/<int:run>/reasons.json", ScheduleReasons.as_view(), name="schedule_reasons"),
    path("runs/<int:run>/schedule.csv", ScheduleCsv.as_view(), name="schedule_csv"),
]
