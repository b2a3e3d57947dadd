"""Background work."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """One row for every piece of background work."""

    name = "flexplatform.jobs"
    label = "jobs"

    def ready(self) -> None:
        """Register the pages, the navigation entry, what the overview shows, and the health check."""
        from flexplatform import registry
        from flexplatform.accounts.permissions import VIEW_JOBS
        from flexplatform.jobs import panels, workers
        from flexplatform.jobs.measures import MEASURES

        registry.routes.add(registry.Route("jobs", "jobs/", "flexplatform.jobs.urls", order=60))
        registry.navigation.add(
            registry.NavigationEntry("jobs", _("Jobs"), "jobs", VIEW_JOBS, order=80, icon="list-check")
        )
        registry.panels.add(
            registry.Panel(
                "running_jobs",
                "overview",
                "jobs/running_panel.html",
                panels.running,
                order=40,
                permission=VIEW_JOBS,
            )
        )
        registry.alert_sources.add(registry.AlertSource("jobs", panels.failures, VIEW_JOBS, order=10))
        registry.health_checks.add(registry.HealthCheck("jobs", workers.health))
        for measure in MEASURES:
            registry.measures.add(measure)
