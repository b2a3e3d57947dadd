"""What workers write: every change is one UPDATE under a condition, so that each job ends exactly once."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from flexplatform.accounts import audit
from flexplatform.accounts.models import Door
from flexplatform.jobs.errors import ClaimLostError, JobCancelledError
from flexplatform.jobs.messages import send
from flexplatform.jobs.models import Job
from flexplatform.jobs.parts import close, values_told
from flexplatform.jobs.registry import Priority
from flexplatform.jobs.scoping import every_organization

LOST = "The worker that did this was lost {attempts} times, so it was given up. Ask for it again, or for less at once."
RECONCILED_AT_ONCE = 500
RECONCILER = "reconciler"


def claim_next(worker: str, least: int = Priority.LATER) -> Job | None:
    """Take the waiting job that goes first, at least as urgent as `least`; None when there is none.

    What people wait for goes by age. Of the rest the organization goes first whose last turn is the longest ago.
    """
    while (job_id := _first_waiting(least)) is not None:
        if (job := claim(job_id, worker)) is not None:
            return job
    return None


def _first_waiting(least: int) -> int | None:
    with every_organization():
        waiting = Job.objects.filter(status=Job.Status.QUEUED).values_list("pk", flat=True)
        urgent = waiting.filter(priority=Priority.NOW).order_by("id").first()
        if urgent is not None or least == Priority.NOW:
            return urgent
        of_organization = Job.objects.filter(organization=OuterRef("organization"), priority=Priority.LATER)
        turns = of_organization.filter(started_at__isnull=False).order_by("-started_at").values("started_at")
        rest = waiting.filter(priority=Priority.LATER).annotate(last_turn=Subquery(turns[:1]))
        return rest.order_by(F("last_turn").asc(nulls_first=True), "id").first()


def claim(job_id: int, worker: str) -> Job | None:
    """Take a waiting job; None when it is not waiting, such as after a doubled message."""
    now = timezone.now()
    with every_organization():
        taken = Job.objects.filter(pk=job_id, status=Job.Status.QUEUED).update(
            status=Job.Status.RUNNING,
            claim=uuid.uuid4(),
            worker=worker[:200],
            attempts=F("attempts") + 1,
            progress=0,
            progress_text="",
            started_at=now,
            heartbeat_at=now,
        )
        return (
            Job.objects.select_related("organization", "requested_by", "requested_by_token").get(pk=job_id)
            if taken
            else None
        )


def beat(job: Job, **values: Any) -> None:
    """Tell that the attempt is alive, with any progress `values`.

    Raises:
        ClaimLostError: when another attempt has the job.
        JobCancelledError: when the job shall stop; the beat counts all the same.
    """
    if not _claimed(job).update(heartbeat_at=timezone.now(), **values):
        raise ClaimLostError
    if _claimed(job).filter(Q(cancel_requested=True) | Q(parent__cancel_requested=True)).exists():
        raise JobCancelledError


def give_back(job: Job) -> None:
    """Let the rest of a job wait for another turn; a turn that got this far is no failed attempt."""
    again = {"status": Job.Status.QUEUED, "claim": None, "attempts": 0, "sent_at": None}
    if _claimed(job).update(**again):
        send(job.pk, job.priority)


@transaction.atomic
def end(job: Job, status: Job.Status, **values: Any) -> bool:
    """Bring the job into its terminal state; False when the claim was lost, and then nothing changes."""
    return _end(_claimed(job), job, status, **values)


def _end(unfinished: QuerySet[Job], job: Job, status: Job.Status, **values: Any) -> bool:
    if not unfinished.update(status=status, claim=None, finished_at=timezone.now(), **values):
        return False
    if job.parent_id is not None:
        close(job.parent_id)
    else:
        after = {"status": status, **values_told(values)}
        audit.record(organization=job.organization, action="job.end", instance=job, after=after)
    return True


@dataclass(frozen=True)
class Reconciled:
    """What `reconcile` found: ids of jobs that were sent again, given up, and cancelled."""

    sent: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    cancelled: tuple[int, ...] = ()


def reconcile() -> Reconciled:
    """Bring back jobs whose worker was lost and jobs whose message was lost; give up after too many attempts."""
    now = timezone.now()
    silent = Q(heartbeat_at__lt=now - timedelta(seconds=settings.JOBS_STALE_SECONDS))
    resend = now - timedelta(seconds=settings.JOBS_RESEND_SECONDS)
    unsent = Q(sent_at__isnull=True, created_at__lt=now - timedelta(seconds=settings.JOBS_RECONCILE_SECONDS))
    again: list[int] = []
    failed: list[int] = []
    cancelled: list[int] = []
    with every_organization(), audit.acting(RECONCILER, Door.TASK):
        parts = Job.objects.filter(parent=OuterRef("pk"), status__in=Job.UNFINISHED)
        lost = Job.objects.filter(silent, ~Exists(parts), status=Job.Status.RUNNING).select_related("organization")
        for job in lost.order_by("id")[:RECONCILED_AT_ONCE]:
            still_silent = _claimed(job).filter(silent)
            if job.cancel_requested:
                with transaction.atomic():
                    cancelled += [job.pk] if _end(still_silent, job, Job.Status.CANCELLED) else []
            elif job.attempts >= settings.JOBS_MAX_ATTEMPTS:
                reason = LOST.format(attempts=job.attempts)
                with transaction.atomic():
                    failed += [job.pk] if _end(still_silent, job, Job.Status.FAILED, error=reason) else []
            elif still_silent.update(status=Job.Status.QUEUED, claim=None, sent_at=None, progress_text="Waiting again"):
                again.append(job.pk)
        waiting = Job.objects.filter(unsent | Q(sent_at__lt=resend), status=Job.Status.QUEUED).exclude(pk__in=again)
        # While other parts of a whole come to their end, its messages are on their way.
        waiting = waiting.exclude(parent__heartbeat_at__gte=resend)
        again += waiting.order_by("id").values_list("pk", flat=True)[:RECONCILED_AT_ONCE]
        priorities = dict(Job.objects.filter(pk__in=again).values_list("pk", "priority"))
    sent = tuple(job_id for job_id in again if send(job_id, priorities[job_id]))
    return Reconciled(sent, tuple(failed), tuple(cancelled))


def _claimed(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, claim=job.claim, status=Job.Status.RUNNING)
