"""Writes of jobs by those who want work done; what workers write is in claims.py."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.messages import send
from flexplatform.jobs.models import Job, new_key
from flexplatform.jobs.parts import cancel_parts
from flexplatform.jobs.registry import Priority, job_kind


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
    known = job_kind(kind)
    job, created = Job.objects.get_or_create(
        organization=organization,
        kind=kind,
        idempotency_key=idempotency_key or new_key(),
        defaults={
            "title": title[:200],
            "input": dict(input),
            "priority": known.priority if known else Priority.NOW,
            "requested_by": actor.user,
            "requested_by_token": actor.token,
        },
    )
    if created:
        after = {"kind": kind, "input": job.input}
        audit.record(organization=organization, action="job.request", instance=job, after=after)
        transaction.on_commit(partial(send, job.pk, job.priority), robust=True)
    elif job.input != dict(input):
        raise JobConflictError(f"The idempotency key {idempotency_key!r} was used for another request before.")
    return job


@transaction.atomic
def cancel(*, job: Job) -> Job:
    """End a waiting job at once, ask a running one to stop, leave a finished one; return it as it is then.

    Parts that wait end with it at once, and with the last part that runs the whole.
    """
    own = Job.objects.filter(pk=job.pk)
    waiting = own.filter(status=Job.Status.QUEUED)
    changed = waiting.update(status=Job.Status.CANCELLED, cancel_requested=True, finished_at=timezone.now())
    changed = changed or own.filter(status=Job.Status.RUNNING, cancel_requested=False).update(cancel_requested=True)
    if changed:
        audit.record(organization=job.organization, action="job.cancel", instance=job)
        cancel_parts(job)
    return own.get()
