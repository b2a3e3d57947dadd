"""Reads of jobs."""

from django.db.models import QuerySet

from flexplatform.accounts.models import Membership, Organization
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import job_kind, job_kinds


def visible_jobs(organization: Organization, membership: Membership) -> QuerySet[Job]:
    """Return the jobs of an organization whose kind the membership may view, newest first."""
    kinds = [kind.name for kind in job_kinds if membership.may(kind.view_permission)]
    return Job.objects.filter(organization=organization, kind__in=kinds).select_related("requested_by")


def may_cancel(job: Job, membership: Membership) -> bool:
    """Return whether the membership may stop the job: who may start the kind may stop it."""
    kind = job_kind(job.kind)
    return kind is not None and not job.finished and membership.may(kind.run_permission)
