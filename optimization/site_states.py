"""How each site stands: whether today and tomorrow are planned, with unmet wishes, or planning failed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts.models import Organization
from flexplatform.jobs.models import Job
from optimization.models import PlannedSite
from optimization.overview import runs_of_days, two_days
from optimization.services import SCHEDULE_SITE

FAILURES_OF = timedelta(days=2)


def site_states(organization: Organization, site: Site | None = None) -> dict[int, str]:
    """Return the state of each site that has one, by the site's id; of one site where it is given.

    Five queries for any number of sites, one less where no site failed.
    """
    runs = runs_of_days(organization, two_days(organization)).order_by()
    runs = runs if site is None else runs.filter(site=site)
    states = dict.fromkeys(runs.values_list("site_id", flat=True), "planned")
    states |= dict.fromkeys(runs.exclude(unmet=[]).values_list("site_id", flat=True), "unmet")
    failures = [(pk, moment) for pk, moment in _failures(organization) if site is None or pk == site.pk]
    planned = runs.filter(site__in={pk for pk, _ in failures}).values_list("site_id").annotate(Max("created_at"))
    planned_at = dict(planned)
    for pk, moment in failures:
        if pk not in planned_at or moment > planned_at[pk]:
            states[pk] = "failed"
    return states


def _failures(organization: Organization) -> Iterator[tuple[int, datetime]]:
    """Yield the sites that could not be planned lately, and when that was."""
    since = timezone.now() - FAILURES_OF
    together = PlannedSite.objects.filter(
        portfolio_run__organization=organization,
        outcome=PlannedSite.Outcome.FAILED,
        portfolio_run__created_at__gte=since,
    )
    yield from together.order_by().values_list("site").annotate(Max("portfolio_run__created_at"))
    alone = Job.objects.filter(organization=organization, kind=SCHEDULE_SITE, status=Job.Status.FAILED)
    for asked, moment in alone.filter(finished_at__gte=since).order_by().values_list("input", "finished_at"):
        if moment and "site" in asked:
            yield asked["site"], moment
