"""Work that is handed out in parts: each part is a job of its own, and the last one that ends closes the whole."""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from flexplatform.accounts import audit
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.messages import send
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Priority, job_kind

log = logging.getLogger(__name__)

UNFORESEEN = "Something happened that was not foreseen ({error}). The worker's log says more, under job {job}."


def hand_out(job: Job, kind: str, inputs: Iterable[Mapping[str, Any]]) -> int:
    """Make the parts of a claimed job inside `work.writing()`, sent on commit; return how many there are.

    Parts wait until nobody waits for anything else, and organizations take turns.
    """
    parts = Job.objects.bulk_create(
        (
            Job(
                organization=job.organization,
                parent=job,
                priority=Priority.LATER,
                kind=kind,
                title=job.title,
                input=dict(each),
                requested_by=job.requested_by,
                requested_by_token=job.requested_by_token,
            )
            for each in inputs
        ),
        batch_size=500,
    )
    for part in parts:
        transaction.on_commit(partial(send, part.pk, part.priority), robust=True)
    return len(parts)


def tell_whole(part: Job, progress: float, text: str) -> None:
    """Say on the whole how far its parts are, from 0 to 1."""
    if part.parent_id is None:
        return
    whole = Job.objects.filter(pk=part.parent_id, status=Job.Status.RUNNING)
    whole.update(heartbeat_at=timezone.now(), progress=min(max(progress, 0.0), 1.0), progress_text=text[:200])


def cancel_parts(whole: Job) -> None:
    """End the parts that wait, and the whole with them where none runs; the caller has asked the whole to stop."""
    parts = Job.objects.filter(parent=whole)
    now = timezone.now()
    waiting = parts.filter(status=Job.Status.QUEUED)
    if waiting.update(status=Job.Status.CANCELLED, cancel_requested=True, finished_at=now):
        close(whole.pk)


def close(whole_id: int) -> None:
    """End a whole none of whose parts is unfinished, inside the transaction that ended a part."""
    whole = Job.objects.filter(pk=whole_id, status=Job.Status.RUNNING)
    # Holds the row: of two last parts that end at the same time, the second one sees the end of the first.
    if not whole.update(heartbeat_at=timezone.now()) or has_unfinished_parts(whole_id):
        return
    job = Job.objects.select_related("organization").get(pk=whole_id)
    status, values = conclusion(job)
    if job.cancel_requested:
        status = Job.Status.CANCELLED
    whole.update(status=status, claim=None, finished_at=timezone.now(), progress_text="", **values)
    audit.record(
        organization=job.organization, action="job.end", instance=job, after={"status": status, **values_told(values)}
    )


def conclusion(job: Job) -> tuple[Job.Status, dict[str, Any]]:
    """Return how a whole ends whose parts have all ended."""
    kind = job_kind(job.kind)
    try:
        with transaction.atomic():
            return Job.Status.SUCCEEDED, {"result": kind.conclude(job) if kind and kind.conclude else {}, "progress": 1}
    except JobError as error:
        return Job.Status.FAILED, {"error": str(error)}
    except Exception as error:
        log.exception("Job %s could not be concluded.", job.pk)
        return Job.Status.FAILED, {"error": UNFORESEEN.format(error=type(error).__name__, job=job.pk)}


def values_told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit event of a job's end holds of its last values."""
    return {name: values[name] for name in ("result", "error") if name in values}


def has_unfinished_parts(whole_id: int) -> bool:
    """Return whether a part of the job waits or runs."""
    return Job.objects.filter(parent=whole_id, status__in=Job.UNFINISHED).exists()
