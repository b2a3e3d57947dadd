"""Work in parts: who goes first, who closes the whole, and what is left when it is cancelled or a worker is lost."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from flexplatform.accounts import permissions
from flexplatform.accounts.models import AuditEvent, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs import claims, services
from flexplatform.jobs.claims import Reconciled
from flexplatform.jobs.errors import JobError, JobUnfinishedError
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import JobKind, Priority, job_kinds
from flexplatform.jobs.work import Work, execute, execute_next
from tests.conftest import People
from tests.flexplatform.jobs.conftest import enqueue, reload

pytestmark = pytest.mark.usefixtures("acts")

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PartRun = Callable[[Work], dict[str, Any]]


class Kinds:
    """A kind of work that is handed out in parts, and what a part does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.part: PartRun = lambda _work: {}
        self.result: Callable[[Job], dict[str, Any]] = lambda job: {"parts": Job.objects.filter(parent=job).count()}
        may = (permissions.VIEW_SITES, permissions.RUN_SCHEDULES)
        whole = JobKind("whole", "Whole", self.hand_out, *may, conclude=lambda job: self.result(job))
        part = JobKind("part", "Part", lambda work: self.part(work), *may)
        for kind in (whole, part):
            monkeypatch.setitem(job_kinds._entries, kind.name, kind)

    @staticmethod
    def hand_out(work: Work) -> dict[str, Any]:
        with work.writing():
            work.hand_out("part", ({"number": number} for number in range(work.input["parts"])))
        return {}


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Kinds:
    return Kinds(monkeypatch)


def whole_of(organization: Organization, parts: int = 3) -> Job:
    job = enqueue(organization, kind="whole", input={"parts": parts})
    execute(job.pk, worker="w", beat_every=0)
    return job


def work_off() -> list[str]:
    """Do all that waits with one worker, and return whose it was: the organization's name and the part's number."""
    done = []
    while (job := execute_next("w", beat_every=0)) is not None:
        done.append(f"{job.organization.name}{job.input.get('number', '')}")
    return done


def test_the_last_part_closes_the_whole(people: People, kinds: Kinds) -> None:
    job = whole_of(people.a)
    assert reload(job).status == Job.Status.RUNNING
    for _ in range(2):
        execute_next("w", beat_every=0)
        assert reload(job).status == Job.Status.RUNNING
    execute_next("w", beat_every=0)
    stored = reload(job)
    assert (stored.status, stored.result, stored.progress) == (Job.Status.SUCCEEDED, {"parts": 3}, 1)
    with organization_scope(people.a):
        ends = AuditEvent.objects.filter(action="job.end")
        assert [event.object_id for event in ends] == [str(job.pk)]


def test_a_whole_without_parts_is_concluded_at_once(people: People, kinds: Kinds) -> None:
    assert reload(whole_of(people.a, parts=0)).result == {"parts": 0}


def test_a_failed_part_fails_no_other_and_the_conclusion_says_how_it_ends(people: People, kinds: Kinds) -> None:
    def part(work: Work) -> dict[str, Any]:
        if work.input["number"] == 1:
            raise JobError("number one")
        return {}

    kinds.part = part
    assert reload_after_all(whole_of(people.a)).status == Job.Status.SUCCEEDED

    def refuse(_job: Job) -> dict[str, Any]:
        raise JobError("Nothing was made.")

    kinds.result = refuse
    stored = reload_after_all(whole_of(people.a))
    assert (stored.status, stored.error) == (Job.Status.FAILED, "Nothing was made.")


def test_a_conclusion_that_breaks_ends_the_whole_all_the_same(people: People, kinds: Kinds) -> None:
    kinds.result = lambda _job: {"never": 1 / 0}
    stored = reload_after_all(whole_of(people.a))
    assert stored.status == Job.Status.FAILED
    assert "ZeroDivisionError" in stored.error


def reload_after_all(job: Job) -> Job:
    work_off()
    return reload(job)


def test_organizations_take_turns_and_who_waits_goes_first(people: People, kinds: Kinds) -> None:
    whole_of(people.a, parts=4)
    whole_of(people.b, parts=2)
    execute_next("w", beat_every=0)
    urgent = enqueue(people.a, kind="part", input={"number": " waits"})
    assert work_off() == ["A waits", "B0", "A1", "B1", "A2", "A3"]
    assert reload(urgent).status == Job.Status.SUCCEEDED


def test_a_worker_for_those_who_wait_takes_no_parts(people: People, kinds: Kinds) -> None:
    whole_of(people.a)
    assert execute_next("w", Priority.NOW, beat_every=0) is None
    assert execute_next("w", Priority.LATER, beat_every=0) is not None


def test_what_is_left_of_a_part_waits_for_another_turn(people: People, kinds: Kinds) -> None:
    turns = []

    def part(work: Work) -> dict[str, Any]:
        turns.append(f"{work.organization.name}{work.input['number']}")
        if len(turns) < 3:
            raise JobUnfinishedError
        return {}

    kinds.part = part
    job = whole_of(people.a, parts=1)
    whole_of(people.b, parts=1)
    work_off()
    assert turns == ["A0", "B0", "A0", "B0"]
    assert reload(job).status == Job.Status.SUCCEEDED
    with organization_scope(people.a):
        assert Job.objects.get(parent=job).attempts == 1


def test_cancelling_the_whole_ends_parts_that_wait_and_stops_those_that_run(people: People, kinds: Kinds) -> None:
    job = whole_of(people.a)

    def part(work: Work) -> dict[str, Any]:
        services.cancel(job=job)
        assert reload(job).status == Job.Status.RUNNING
        work.report(0.5, "half")
        raise AssertionError("the part went on")

    kinds.part = part
    assert work_off() == ["A0"]
    assert reload(job).status == Job.Status.CANCELLED
    with organization_scope(people.a):
        parts = Job.objects.filter(parent=job)
        assert [part.status for part in parts] == [Job.Status.CANCELLED] * 3


def test_cancelling_a_whole_of_which_nothing_runs_ends_it(people: People, kinds: Kinds) -> None:
    job = whole_of(people.a)
    with organization_scope(people.a):
        assert services.cancel(job=job).status == Job.Status.CANCELLED
    assert work_off() == []


def test_a_whole_is_alive_as_long_as_a_part_is_unfinished(people: People, kinds: Kinds, sent: list[int]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        job = whole_of(people.a, parts=2)
        with organization_scope(people.a):
            first, second = Job.objects.filter(parent=job).order_by("id").values_list("pk", flat=True)
        for attempt in range(3):
            assert claims.claim(first, "doomed") is not None
            clock.shift(61)
            sent.clear()
            given_up = attempt == 2
            expected = Reconciled(failed=(first,)) if given_up else Reconciled(sent=(first, second))
            assert claims.reconcile() == expected
        assert reload(job).status == Job.Status.RUNNING
        execute_next("w", beat_every=0)
    assert reload(job).status == Job.Status.SUCCEEDED


def test_parts_are_not_listed(people: People, kinds: Kinds) -> None:
    job = whole_of(people.a)
    client: Client = people.client("alice")
    content = client.get("/o/a/jobs/").content.decode()
    assert content.count("/o/a/jobs/") >= 1
    with organization_scope(people.a):
        part = Job.objects.filter(parent=job).first()
    assert part is not None
    assert f"/o/a/jobs/{part.pk}/" not in content
    assert f"/o/a/jobs/{job.pk}/" in content
    assert client.get(f"/o/a/jobs/{part.pk}/").status_code == 404
