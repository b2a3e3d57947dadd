"""A kind of work that does what a test wants."""

from collections.abc import Callable
from typing import Any

import pytest

from flexplatform.accounts import permissions
from flexplatform.accounts.audit import Actor, acting
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import services
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import JobKind, job_kinds
from flexplatform.jobs.work import Work

Register = Callable[[Callable[[Work], dict[str, Any]]], None]
Enqueue = Callable[..., Job]


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Return what makes a function the work of kind `test`."""

    def register(run: Callable[[Work], dict[str, Any]]) -> None:
        kind = JobKind("test", "Test", run, permissions.VIEW_SITES, permissions.RUN_SCHEDULES)
        monkeypatch.setitem(job_kinds._entries, "test", kind)

    register(lambda _work: {"made": 1})
    return register


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the ids of the jobs that were given to the broker."""
    ids: list[int] = []

    def send(job_id: int, _priority: int) -> bool:
        ids.append(job_id)
        return True

    monkeypatch.setattr("flexplatform.jobs.services.send", send)
    monkeypatch.setattr("flexplatform.jobs.claims.send", send)
    return ids


def enqueue(organization: Organization, requested_by: Actor = "tests", **given: Any) -> Job:
    with organization_scope(organization), acting(requested_by, Door.PORTAL):
        values = {"kind": "test", "title": "Test", "input": {}, **given}
        return services.enqueue(organization=organization, **values)


def reload(job: Job) -> Job:
    with organization_scope(job.organization):
        return Job.objects.get(pk=job.pk)
