from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import override_settings
from kombu.exceptions import OperationalError

from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import claims, messages, services
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Priority
from tests.conftest import People
from tests.flexplatform.jobs.conftest import enqueue, reload

pytestmark = pytest.mark.usefixtures("acts")

Captured = Callable[..., object]


def test_a_job_is_sent_when_the_request_is_committed(
    people: People, sent: list[int], django_capture_on_commit_callbacks: Captured
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        job = enqueue(people.a, input={"site": 1})
        assert sent == []
    assert sent == [job.pk]
    assert job.status == Job.Status.QUEUED


def test_a_request_that_is_rolled_back_leaves_no_job(people: People, sent: list[int]) -> None:
    with transaction.atomic():
        enqueue(people.a)
        transaction.set_rollback(True)
    with organization_scope(people.a):
        assert not Job.objects.exists()
    assert sent == []


def test_the_same_request_twice_gives_the_same_job(
    people: People, sent: list[int], django_capture_on_commit_callbacks: Captured
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:  # type: ignore[attr-defined]
        first = enqueue(people.a, input={"site": 1}, idempotency_key="k")
        again = enqueue(people.a, input={"site": 1}, idempotency_key="k")
    assert first == again
    assert len(callbacks) == 1
    with pytest.raises(JobConflictError, match="'k'"):
        enqueue(people.a, input={"site": 2}, idempotency_key="k")


def test_keys_of_two_organizations_and_of_two_kinds_do_not_meet(people: People) -> None:
    jobs = {
        enqueue(people.a, idempotency_key="k").pk,
        enqueue(people.b, idempotency_key="k").pk,
        enqueue(people.a, idempotency_key="k", kind="other").pk,
        enqueue(people.a).pk,
        enqueue(people.a).pk,
    }
    assert len(jobs) == 5


def test_a_waiting_job_is_cancelled_at_once_and_never_claimed(people: People) -> None:
    job = enqueue(people.a)
    with organization_scope(people.a):
        assert services.cancel(job=job).status == Job.Status.CANCELLED
    assert reload(job).finished_at is not None
    assert claims.claim(job.pk, "w") is None


def test_a_running_job_is_asked_to_stop_and_a_finished_one_left(people: People) -> None:
    job = enqueue(people.a)
    running = claims.claim(job.pk, "w")
    assert running is not None
    with organization_scope(people.a):
        asked = services.cancel(job=job)
        assert (asked.status, asked.cancel_requested) == (Job.Status.RUNNING, True)
        assert claims.end(running, Job.Status.SUCCEEDED)
        assert services.cancel(job=job).status == Job.Status.SUCCEEDED


def test_without_a_broker_a_job_waits(people: People) -> None:
    job = enqueue(people.a)
    assert not messages.send(job.pk)
    assert reload(job).sent_at is None


@override_settings(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
def test_a_broker_that_does_not_answer_breaks_no_request(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OperationalError("connection refused")

    job = enqueue(people.a)
    monkeypatch.setattr(messages.app, "send_task", refuse)
    assert not messages.send(job.pk)
    assert reload(job).sent_at is None


@override_settings(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
def test_only_id_and_priority_are_sent(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(messages.app, "send_task", lambda name, **options: given.append((name, options)))
    job = enqueue(people.a)
    assert messages.send(job.pk)
    assert messages.send(job.pk, Priority.LATER)
    assert given == [
        ("jobs.run", {"args": [job.pk, 0], "queue": "flexplatform", "retry": False}),
        ("jobs.run", {"args": [job.pk, 10], "queue": "flexplatform.later", "retry": False}),
    ]
    assert reload(job).sent_at is not None


@pytest.mark.parametrize(
    "wrong",
    [{"status": "running"}, {"status": "failed"}, {"status": "unknown"}, {"progress": 1.5}],
)
def test_the_database_refuses_states_that_cannot_be(people: People, wrong: dict[str, object]) -> None:
    job = enqueue(people.a)
    with organization_scope(people.a), pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**wrong)
