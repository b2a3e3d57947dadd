"""A claimed job in the hands of the function that does it."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from flexplatform.accounts import audit
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import claims
from flexplatform.jobs.errors import ClaimLostError, JobCancelledError, JobError, JobUnfinishedError
from flexplatform.jobs.models import Job
from flexplatform.jobs.parts import UNFORESEEN, conclusion, hand_out, has_unfinished_parts, tell_whole
from flexplatform.jobs.registry import Priority, Result, follow_ups, job_kind
from flexplatform.operations.logs import naming

log = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 1.0
ANONYMOUS = "worker"


class Work:
    """What a job's function gets: whose it is, what is asked, a way to report, and a way to write."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stop: type[JobCancelledError | ClaimLostError] | None = None
        self._reported = 0.0

    @property
    def organization(self) -> Organization:
        """Whose work it is."""
        return self.job.organization

    @property
    def input(self) -> dict[str, Any]:
        """What was asked for."""
        return dict(self.job.input)

    def report(self, progress: float, text: str) -> None:
        """Tell how far the work is, from 0 to 1, and what is done now; cheap enough to be called often.

        Raises:
            JobCancelledError: when the job shall stop.
            ClaimLostError: when another worker has the job now.
        """
        if self.stop is not None:
            raise self.stop
        now = time.monotonic()
        if now - self._reported >= SECONDS_BETWEEN_REPORTS:
            self._reported = now
            claims.beat(self.job, progress=min(max(progress, 0.0), 1.0), progress_text=text[:200])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write in one transaction that holds the job's row, so that no second attempt writes at the same time.

        Raises:
            JobCancelledError: when the job shall stop.
            ClaimLostError: when another worker has the job now.
        """
        with transaction.atomic():
            claims.beat(self.job)
            yield

    def hand_out(self, kind: str, inputs: Iterable[Mapping[str, Any]]) -> int:
        """Make the parts that do this work, inside `writing`; return how many there are."""
        return hand_out(self.job, kind, inputs)

    def tell_whole(self, progress: float, text: str) -> None:
        """Say how far the whole is that this is a part of, inside `writing`."""
        tell_whole(self.job, progress, text)


def execute_next(worker: str, least: int = Priority.LATER, *, beat_every: float | None = None) -> Job | None:
    """Do the waiting job that goes first, at least as urgent as `least`, and return it; None when none waits."""
    job = claims.claim_next(worker, least)
    if job is not None:
        _execute(job, beat_every)
    return job


def execute(job_id: int, *, worker: str, beat_every: float | None = None) -> Job.Status | None:
    """Do a waiting job inside its organization's scope and return how it ended.

    None means that there was nothing to do, or that another worker took the job over; "running" that its parts go on,
    "queued" that it waits for another turn. `beat_every` is in seconds; 0 works without the heartbeat thread.
    """
    job = claims.claim(job_id, worker)
    return None if job is None else _execute(job, beat_every)


def _execute(job: Job, beat_every: float | None) -> Job.Status | None:
    seconds = settings.JOBS_HEARTBEAT_SECONDS if beat_every is None else beat_every
    acting = audit.acting(job.requester or ANONYMOUS, Door.TASK)
    with organization_scope(job.organization), naming(job=job.pk, kind=job.kind), acting:
        work = Work(job)
        with _heartbeat(work, seconds):
            status, values = _outcome(work)
        log.info("%s: %s", job.title, status or "taken over")
        if status == Job.Status.QUEUED:
            claims.give_back(job)
            return status
        if status == Job.Status.RUNNING:
            return status
        if status is None or not claims.end(job, status, **values):
            log.warning("Job %s was taken over by another worker.", job.pk)
            return None
        return status


def _outcome(work: Work) -> tuple[Job.Status | None, dict[str, Any]]:
    """Do the work and return the state it leads to; lost connections are raised, so that the job is tried again."""
    try:
        result = _do(work)
        kind = job_kind(work.job.kind)
        if kind is not None and kind.conclude is not None:
            return (Job.Status.RUNNING, {}) if has_unfinished_parts(work.job.pk) else conclusion(work.job)
        return Job.Status.SUCCEEDED, {"result": result, "progress": 1, "progress_text": ""}
    except JobUnfinishedError:
        return Job.Status.QUEUED, {}
    except ClaimLostError:
        return None, {}
    except JobCancelledError:
        return Job.Status.CANCELLED, {"progress_text": ""}
    except JobError as error:
        return Job.Status.FAILED, {"error": str(error)}
    except OperationalError:
        raise
    except Exception as error:
        log.exception("Job %s failed.", work.job.pk)
        return Job.Status.FAILED, {"error": UNFORESEEN.format(error=type(error).__name__, job=work.job.pk)}


def _do(work: Work) -> Result:
    kind = job_kind(work.job.kind)
    if kind is None:
        raise JobError(f"This installation does not know how to do {work.job.kind!r}.")
    result = kind.run(work)
    for follow_up in follow_ups:
        if follow_up.after == kind.name:
            result = {**result, **follow_up.run(work, result)}
    return result


@contextmanager
def _heartbeat(work: Work, seconds: float) -> Iterator[None]:
    """Beat from a thread with a database connection of its own, because a solver blocks for long."""
    if not seconds:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_beat_until, args=(work, done, seconds), name=f"job {work.job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat_until(work: Work, done: threading.Event, seconds: float) -> None:
    with organization_scope(work.organization):
        while not done.wait(seconds):
            try:
                claims.beat(work.job)
            except JobCancelledError:
                work.stop = JobCancelledError
            except ClaimLostError:
                work.stop = ClaimLostError
                break
            except DatabaseError:
                log.warning("Job %s could not beat.", work.job.pk, exc_info=True)
                connection.close()
    connection.close()
