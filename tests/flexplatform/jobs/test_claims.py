from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import claims, services
from flexplatform.jobs.claims import Reconciled
from flexplatform.jobs.errors import ClaimLostError, JobCancelledError
from flexplatform.jobs.models import Job
from tests.conftest import People
from tests.flexplatform.jobs.conftest import enqueue, reload

pytestmark = pytest.mark.usefixtures("acts")

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def claimed(job: Job, worker: str = "w") -> Job:
    running = claims.claim(job.pk, worker)
    assert running is not None
    return running


def test_a_job_is_claimed_once(people: People) -> None:
    job = enqueue(people.a)
    first = claimed(job, "one")
    assert claims.claim(job.pk, "two") is None
    assert claims.claim(10**9, "two") is None
    assert (first.status, first.worker, first.attempts) == (Job.Status.RUNNING, "one", 1)


def test_a_beat_carries_progress(people: People) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        job = claimed(enqueue(people.a))
        clock.shift(5)
        with organization_scope(people.a):
            claims.beat(job, progress=0.5, progress_text="half")
    stored = reload(job)
    assert (stored.progress, stored.progress_text, stored.heartbeat_at) == (0.5, "half", NOW + timedelta(seconds=5))


def test_a_beat_tells_that_the_job_shall_stop(people: People) -> None:
    job = claimed(enqueue(people.a))
    with organization_scope(people.a):
        services.cancel(job=job)
        with pytest.raises(JobCancelledError):
            claims.beat(job)
        assert claims.end(job, Job.Status.CANCELLED)


def test_a_job_that_beats_is_left_alone(people: People, sent: list[int]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        job = claimed(enqueue(people.a))
        for _ in range(5):
            clock.shift(29)
            with organization_scope(people.a):
                claims.beat(job)
            assert claims.reconcile() == Reconciled()


def test_a_lost_job_is_sent_again_and_the_first_worker_can_write_nothing(people: People, sent: list[int]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        job = enqueue(people.a)
        dead = claimed(job, "presumed dead")
        clock.shift(31)
        assert claims.reconcile() == Reconciled(sent=(job.pk,))
        assert sent == [job.pk]
        second = claimed(job, "second")
        assert second.attempts == 2
        with organization_scope(people.a):
            with pytest.raises(ClaimLostError):
                claims.beat(dead, progress=0.9)
            assert not claims.end(dead, Job.Status.FAILED, error="too late")
            assert claims.end(second, Job.Status.SUCCEEDED, result={"made": 1})
            assert not claims.end(second, Job.Status.FAILED)
    stored = reload(job)
    assert (stored.status, stored.result, stored.error) == (Job.Status.SUCCEEDED, {"made": 1}, "")


def test_a_job_that_loses_every_worker_is_given_up_in_words(people: People, sent: list[int]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        job = enqueue(people.a)
        for _ in range(2):
            claimed(job)
            clock.shift(31)
            assert claims.reconcile().sent == (job.pk,)
        claimed(job)
        clock.shift(31)
        assert claims.reconcile() == Reconciled(failed=(job.pk,))
        assert claims.reconcile() == Reconciled()
    with organization_scope(people.a):
        event = AuditEvent.objects.get(action="job.end")
    assert (event.actor_label, event.door, event.after["status"]) == ("reconciler", "task", "failed")
    stored = reload(job)
    assert stored.status == Job.Status.FAILED
    assert "lost 3 times" in stored.error


def test_a_lost_job_that_shall_stop_is_cancelled(people: People, sent: list[int]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        job = claimed(enqueue(people.a))
        with organization_scope(people.a):
            services.cancel(job=job)
        clock.shift(31)
        assert claims.reconcile() == Reconciled(cancelled=(job.pk,))
    assert reload(job).status == Job.Status.CANCELLED


def test_jobs_of_all_organizations_that_were_never_sent_are_sent(people: People, sent: list[int]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        jobs = (enqueue(people.a).pk, enqueue(people.b).pk)
        assert claims.reconcile() == Reconciled()
        clock.shift(11)
        assert claims.reconcile() == Reconciled(sent=jobs)


def test_a_message_that_nobody_took_is_sent_again(people: People, sent: list[int]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        job = enqueue(people.a)
        with organization_scope(people.a):
            Job.objects.filter(pk=job.pk).update(sent_at=NOW)
        clock.shift(59)
        assert claims.reconcile() == Reconciled()
        clock.shift(2)
        assert claims.reconcile() == Reconciled(sent=(job.pk,))
