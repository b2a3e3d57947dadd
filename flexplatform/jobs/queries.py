"""Reads of jobs."""

from django.db.models import QuerySet

from flexplatform.accounts.models import ApiToken, Membership, Organization
from flexplatform.accounts.permissions import CANCEL_JOBS
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import job_kind, job_kinds


def visible_jobs(organization: Organization, holder: Membership | ApiToken) -> QuerySet[Job]:
    """Return the jobs of an organization whose kind the holder of permissions may view, newest first; no parts."""
    kinds = [kind.name for kind in job_kinds if holder.may(kind.view_permission)]
    return Job.objects.filter(organization=organization, kind__in=kinds, parent=None).select_related(
        "requested_by", "requested_by_token"
    )


def may_cancel(job: Job, holder: Membership | ApiToken) -> bool:
    """Return whether the holder of permissions may stop the job: who may start the kind may stop it."""
    kind = job_kind(job.kind)
    allowed = kind is not None and holder.may(CANCEL_JOBS) and holder.may(kind.run_permission)
    return allowed and not job.finished
