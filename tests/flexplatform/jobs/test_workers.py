from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client, override_settings
from django.utils import timezone

from flexplatform.jobs import workers
from flexplatform.jobs.models import Worker

BROKER = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_noted", {})
    monkeypatch.setattr(workers, "_leave_nothing_to_inherit", lambda: None)


@pytest.mark.django_db
def test_without_a_broker_workers_are_absent_on_purpose() -> None:
    assert workers.health() is None
    assert Client().get("/healthz").json()["checks"]["jobs"] == "ok"


@pytest.mark.django_db
@override_settings(CELERY_BROKER_URL=BROKER)
def test_a_broker_that_is_away_is_said_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.app.conf, "broker_url", BROKER)
    assert workers.health() == "the broker does not answer"
    assert Client().get("/healthz").status_code == 503


@pytest.mark.django_db
@override_settings(CELERY_BROKER_URL=BROKER)
def test_the_newest_worker_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_broker_answers", lambda: True)
    assert workers.health() == "no worker was ever seen"
    Worker.objects.create(name="old", seen_at=timezone.now() - timedelta(seconds=45))
    assert workers.health() == "no worker was seen for 45 s"
    workers.seen("new")
    assert workers.health() is None


@pytest.mark.django_db
def test_a_worker_notes_itself_seldom_and_old_ones_are_forgotten(django_assert_num_queries: object) -> None:
    Worker.objects.create(name="of yesterday", seen_at=timezone.now() - timedelta(days=2))
    workers.seen("w")
    with django_assert_num_queries(0):  # type: ignore[operator]
        workers.seen("w")
    assert list(Worker.objects.values_list("name", flat=True)) == ["w"]


@pytest.mark.django_db
def test_a_database_that_is_away_does_not_end_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_arguments: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(Worker.objects, "update_or_create", refuse)
    workers.seen("w")
