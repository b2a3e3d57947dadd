"""A claimed job in the hands of the function that does it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from flexplatform.accounts import audit
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import claims
from flexplatform.jobs.errors import ClaimLostError, JobCancelledError, JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Result, follow_ups, job_kind

log = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 1.0
ANONYMOUS = "worker"
UNFORESEEN = "Something happened that was not foreseen ({error}). The worker's log says more, under job {job}."


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


def execute(job_id: int, *, worker: str, beat_every: float | None = None) -> Job.Status | None:
    """Do a waiting job inside its organization's scope and return how it ended.

    None means that there was nothing to do, or that another worker took the job over. `beat_every` is in seconds;
    0 works without the heartbeat thread.
    """
    job = claims.claim(job_id, worker)
    if job is None:
        return None
    seconds = settings.JOBS_HEARTBEAT_SECONDS if beat_every is None else beat_every
    with organization_scope(job.organization), audit.acting(job.requester or ANONYMOUS, Door.TASK):
        work = Work(job)
        with _heartbeat(work, seconds):
            status, values = _outcome(work)
        if status is None or not claims.end(job, status, **values):
            log.warning("Job %s was taken over by another worker.", job_id)
            return None
        return status


def _outcome(work: Work) -> tuple[Job.Status | None, dict[str, Any]]:
    """Do the work and return the terminal state; lost connections are raised, so that the job is tried again."""
    try:
        return Job.Status.SUCCEEDED, {"result": _do(work), "progress": 1, "progress_text": ""}
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
