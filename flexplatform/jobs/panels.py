"""What jobs show on the overview."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest
from flexplatform.jobs.models import Job
from flexplatform.jobs.queries import visible_jobs
from flexplatform.registry import Alert

MOST_SHOWN = 6
FAILURES_OF = timedelta(days=1)


def running(request: TenantRequest, organization: Organization) -> dict[str, Any]:
    """Return the newest unfinished jobs."""
    unfinished = visible_jobs(organization, request.membership).filter(status__in=Job.UNFINISHED)
    return {"jobs": list(unfinished[:MOST_SHOWN])}


def failures(request: TenantRequest) -> Iterable[Alert]:
    """Yield how many jobs failed within a day."""
    since = timezone.now() - FAILURES_OF
    failed = visible_jobs(request.organization, request.membership).filter(status=Job.Status.FAILED)
    count = failed.filter(finished_at__gte=since).count()
    if count:
        text = ngettext("%(count)d job failed since yesterday", "%(count)d jobs failed since yesterday", count)
        yield Alert("danger", text % {"count": count}, reverse("jobs", args=[request.organization.slug]))
