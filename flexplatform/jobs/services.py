"""Writes of jobs by those who want work done; what workers write is in claims.py."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.celery import app
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import Job, new_key
from flexplatform.jobs.scoping import every_organization

log = logging.getLogger(__name__)

RUN_TASK = "jobs.run"
RECONCILE_TASK = "jobs.reconcile"


@transaction.atomic
def enqueue(
    *,
    organization: Organization,
    kind: str,
    title: str,
    input: Mapping[str, Any],  # noqa: A002
    idempotency_key: str = "",
) -> Job:
    """Return the job for a request: a new one that is sent on commit, or the one that has the key already.

    Who acts (`audit.acting`) is who asked for it, and the work is done in the same name.

    Raises:
        JobConflictError: when the key belongs to a request with another input.
    """
    actor = audit.current()
    job, created = Job.objects.get_or_create(
        organization=organization,
        kind=kind,
        idempotency_key=idempotency_key or new_key(),
        defaults={
            "title": title[:200],
            "input": dict(input),
            "requested_by": actor.user,
            "requested_by_token": actor.token,
        },
    )
    if created:
        after = {"kind": kind, "input": job.input}
        audit.record(organization=organization, action="job.request", instance=job, after=after)
        transaction.on_commit(partial(send, job.pk), robust=True)
    elif job.input != dict(input):
        raise JobConflictError(f"The idempotency key {idempotency_key!r} was used for another request before.")
    return job


@transaction.atomic
def cancel(*, job: Job) -> Job:
    """End a waiting job at once, ask a running one to stop, leave a finished one; return it as it is then."""
    own = Job.objects.filter(pk=job.pk)
    waiting = own.filter(status=Job.Status.QUEUED)
    changed = waiting.update(status=Job.Status.CANCELLED, cancel_requested=True, finished_at=timezone.now())
    changed = changed or own.filter(status=Job.Status.RUNNING, cancel_requested=False).update(cancel_requested=True)
    if changed:
        audit.record(organization=job.organization, action="job.cancel", instance=job)
    return own.get()


def send(job_id: int) -> bool:
    """Give a job to the broker and return whether that worked; one that was not sent is found by `reconcile`."""
    if not settings.CELERY_BROKER_URL:
        return False
    try:
        app.send_task(RUN_TASK, args=[job_id], retry=False)
    except OperationalError as error:
        log.warning("Job %s could not be sent: %s", job_id, error)
        return False
    with every_organization():
        Job.objects.filter(pk=job_id, status=Job.Status.QUEUED).update(sent_at=timezone.now())
    return True
