import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, connection

from assets.models import Portfolio
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import claims, services, work
from flexplatform.jobs.errors import ClaimLostError, JobCancelledError, JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import FollowUp, follow_ups
from flexplatform.jobs.work import Work, execute
from tests.conftest import People
from tests.flexplatform.jobs.conftest import Register, enqueue, reload


def test_work_runs_in_its_organization_and_ends_with_its_result(people: People, does: Register) -> None:
    def run(work: Work) -> dict[str, Any]:
        with work.writing():
            portfolio = Portfolio.objects.create(organization=work.organization, name=work.input["name"])
        return {"portfolio": portfolio.pk}

    does(run)
    job = enqueue(people.a, input={"name": "made by a job"})
    enqueue(people.b, input={"name": "of another"})
    assert execute(job.pk, worker="w", beat_every=0) == Job.Status.SUCCEEDED
    stored = reload(job)
    assert (stored.progress, stored.claim, stored.worker) == (1, None, "w")
    with organization_scope(people.a):
        assert stored.result == {"portfolio": Portfolio.objects.get().pk}
    with organization_scope(people.b):
        assert not Portfolio.objects.exists()
    assert execute(job.pk, worker="w", beat_every=0) is None


def test_a_reason_for_people_is_kept_as_it_stands(people: People, does: Register) -> None:
    def run(_work: Work) -> dict[str, Any]:
        raise JobError("The site has no prices.")

    does(run)
    job = enqueue(people.a)
    assert execute(job.pk, worker="w", beat_every=0) == Job.Status.FAILED
    assert reload(job).error == "The site has no prices."


def test_an_unforeseen_error_is_a_failed_job_without_its_details(people: People, does: Register) -> None:
    def run(_work: Work) -> dict[str, Any]:
        raise ZeroDivisionError("secret of a row")

    does(run)
    job = enqueue(people.a)
    assert execute(job.pk, worker="w", beat_every=0) == Job.Status.FAILED
    error = reload(job).error
    assert "ZeroDivisionError" in error
    assert "secret" not in error


def test_a_lost_database_is_no_end_but_a_reason_to_try_again(people: People, does: Register) -> None:
    def run(_work: Work) -> dict[str, Any]:
        raise OperationalError("server closed the connection")

    does(run)
    job = enqueue(people.a)
    with pytest.raises(OperationalError):
        execute(job.pk, worker="w", beat_every=0)
    assert reload(job).status == Job.Status.RUNNING


def test_an_unknown_kind_is_said(people: People) -> None:
    job = enqueue(people.a, kind="from another version")
    assert execute(job.pk, worker="w", beat_every=0) == Job.Status.FAILED
    assert "from another version" in reload(job).error


def test_follow_ups_add_to_the_result(people: People, does: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        follow_ups._entries, "more", FollowUp("more", "test", lambda _work, result: {"more": result["made"] + 1})
    )
    job = enqueue(people.a)
    execute(job.pk, worker="w", beat_every=0)
    assert reload(job).result == {"made": 1, "more": 2}


def test_cancelled_work_stops_at_its_next_report_and_writes_nothing(people: People, does: Register) -> None:
    def run(work: Work) -> dict[str, Any]:
        services.cancel(job=work.job)
        with pytest.raises(JobCancelledError), work.writing():
            Portfolio.objects.create(organization=work.organization, name="never")
        work.report(0.5, "half")
        raise AssertionError("the report did not stop the work")

    does(run)
    job = enqueue(people.a)
    assert execute(job.pk, worker="w", beat_every=0) == Job.Status.CANCELLED
    with organization_scope(people.a):
        assert not Portfolio.objects.exists()


def test_a_worker_that_comes_back_from_the_dead_writes_nothing(people: People, does: Register) -> None:
    def run(work: Work) -> dict[str, Any]:
        Job.objects.filter(pk=work.job.pk).update(status=Job.Status.QUEUED, claim=None)
        assert claims.claim(work.job.pk, "second") is not None
        with pytest.raises(ClaimLostError), work.writing():
            Portfolio.objects.create(organization=work.organization, name="never")
        return {"made": "by the dead"}

    does(run)
    job = enqueue(people.a)
    assert execute(job.pk, worker="w", beat_every=0) is None
    stored = reload(job)
    assert (stored.status, stored.worker, stored.result) == (Job.Status.RUNNING, "second", {})


def test_reports_are_cheap(people: People, does: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[float] = []
    monkeypatch.setattr(work.claims, "beat", lambda _job, **values: beats.append(values["progress"]))

    def run(work: Work) -> dict[str, Any]:
        for step in range(1000):
            work.report(step / 1000, "step")
        return {}

    does(run)
    execute(enqueue(people.a).pk, worker="w", beat_every=0)
    assert beats == [0]


@pytest.mark.django_db(transaction=True)
def test_the_heart_beats_while_the_work_blocks_and_hears_that_it_shall_stop(people: People, does: Register) -> None:
    blocked = threading.Event()

    def run(work: Work) -> dict[str, Any]:
        first = work.job.heartbeat_at
        deadline = time.monotonic() + 10
        while Job.objects.get(pk=work.job.pk).heartbeat_at == first:
            assert time.monotonic() < deadline
            blocked.wait(0.05)
        services.cancel(job=work.job)
        while work.stop is None:
            assert time.monotonic() < deadline
            blocked.wait(0.05)
        work.report(0.5, "half")
        raise AssertionError("the report did not stop the work")

    does(run)
    job = enqueue(people.a)
    assert execute(job.pk, worker="w", beat_every=0.1) == Job.Status.CANCELLED
    assert not [thread for thread in threading.enumerate() if thread.name == f"job {job.pk}"]
    connection.close()
