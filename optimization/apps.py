"""Schedules."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OptimizationConfig(AppConfig):
    """Floor 5: what each device of a site should do, and what that costs."""

    name = "optimization"

    def ready(self) -> None:
        """Register routes, panels, demo steps and kinds of jobs, and say where compiled models are kept."""
        from assets.states import StateSource, state_sources
        from flexplatform.accounts import permissions
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.env import VAR_DIR
        from flexplatform.jobs.registry import JobKind, job_kinds
        from flexplatform.portal.charts import CHART_SCRIPTS
        from flexplatform.registry import (
            AlertSource,
            DemoStep,
            NavigationEntry,
            Panel,
            Route,
            alert_sources,
            demo_steps,
            navigation,
            panels,
            routes,
        )
        from optimization import (
            api,
            demo,
            map_panel,
            overview_panels,
            portfolio_api,
            portfolio_chunks,
            portfolio_runs,
            services,
            site_states,
            tasks,
        )
        from optimization import panels as own
        from optimization.compiled_store import CompiledStore
        from optimization.engine.compiled import cache

        cache.store = CompiledStore(VAR_DIR / "compiled")
        api_resources.add(ApiResource("schedule-runs", api.RunViewSet, order=30))
        api_resources.add(ApiResource("portfolio-runs", portfolio_api.PortfolioRunViewSet, order=31))
        api_resources.add(ApiResource("portfolio-run-sites", portfolio_api.PlannedSiteViewSet, order=32))
        routes.add(Route("optimization", "", "optimization.urls", order=30))
        for panel in (
            Panel(
                "figures", "overview", "optimization/figures_panel.html", overview_panels.figures, order=10, half=True
            ),
            Panel(
                "power",
                "overview",
                "optimization/power_panel.html",
                overview_panels.power,
                order=20,
                scripts=CHART_SCRIPTS,
                half=True,
            ),
            Panel("schedules", "overview", "optimization/overview_panel.html", own.sites, order=50),
            Panel("schedule_now", "map_site", "optimization/map_site_panel.html", map_panel.site_now, order=30),
        ):
            panels.add(panel)
        alert_sources.add(AlertSource("schedules", overview_panels.attention, permissions.VIEW_SCHEDULES, order=20))
        state_sources.add(StateSource("schedules", site_states.site_states))
        reasoned = (*CHART_SCRIPTS, "flexplatform/reasons.js")
        panels.add(Panel("schedule", "site", "optimization/site_panel.html", own.site, order=30, scripts=reasoned))
        navigation.add(
            NavigationEntry(
                "runs", _("Schedule runs"), "portfolio_runs", permissions.VIEW_SCHEDULES, 30, "calendar", "plan"
            )
        )
        demo_steps.add(DemoStep("sites", "Sites", demo.make_sites, order=30))
        demo_steps.add(DemoStep("forecasts", "Forecasts", demo.make_forecasts, order=31))
        demo_steps.add(DemoStep("plans", "Plans", demo.request_plans, order=32))
        job_kinds.add(
            JobKind(
                services.SCHEDULE_SITE,
                "Schedule",
                tasks.plan_site,
                view_permission=permissions.VIEW_SCHEDULES,
                run_permission=permissions.RUN_SCHEDULES,
                result_url=tasks.planned_page,
                order=30,
            )
        )
        job_kinds.add(
            JobKind(
                portfolio_runs.SCHEDULE_PORTFOLIO,
                "Portfolio run",
                portfolio_runs.hand_out_chunks,
                view_permission=permissions.VIEW_SCHEDULES,
                run_permission=permissions.RUN_SCHEDULES,
                result_url=tasks.portfolio_page,
                conclude=portfolio_runs.conclude,
                order=31,
            )
        )
        job_kinds.add(
            JobKind(
                portfolio_runs.SCHEDULE_CHUNK,
                "Chunk of a portfolio run",
                portfolio_chunks.plan_chunk,
                view_permission=permissions.VIEW_SCHEDULES,
                run_permission=permissions.RUN_SCHEDULES,
                order=32,
            )
        )
