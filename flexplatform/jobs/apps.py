"""Background work."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    """One row for every piece of background work."""

    name = "flexplatform.jobs"
    label = "jobs"

    def ready(self) -> None:
        """Register the pages, the navigation entry and the health check."""
        from flexplatform.accounts import permissions
        from flexplatform.jobs import workers
        from flexplatform.registry import HealthCheck, NavigationEntry, Route, health_checks, navigation, routes

        routes.add(Route("jobs", "jobs/", "flexplatform.jobs.urls", order=60))
        navigation.add(NavigationEntry("jobs", _("Jobs"), "jobs", permissions.VIEW_JOBS, order=80, icon="list-check"))
        health_checks.add(HealthCheck("jobs", workers.health))
