"""What devices are told, whoever wants it: queued, superseded, answered once, cancelled, expired."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Battery, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from telemetry.engine.setpoints import Answer
from telemetry.models import DeadLetter, Setpoint
from telemetry.services import (
    NewSetpoint,
    cancel_setpoint,
    create_credential,
    queue_setpoints,
    replay_letter,
    revoke_credential,
    sites_with_dispatch,
    switch_plans,
)
from telemetry.services.ingest import Message, ingest
from telemetry.services.registry import TopicRegistry
from telemetry.services.setpoints import ReceivedAnswer, expire_setpoints, note_answers, note_sent
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, SiteFactory

HOUR = timedelta(hours=1)
TOPIC = "flex/v1/a/home/battery/ack"


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def battery(people: People, in_a: None) -> Battery:
    site: Site = SiteFactory(organization=people.a, slug="home", name="Home")
    create_credential(site=site, name="gateway")
    row: Battery = BatteryFactory(site=site)
    return row


def asked(asset: Any, *power_kw: float, start: datetime | None = None, step_seconds: int = 3600) -> NewSetpoint:
    begin = start or timezone.now().replace(minute=0, second=0, microsecond=0)
    return NewSetpoint(asset=asset, start=begin, step_seconds=step_seconds, power_kw=power_kw)


def queue(people: People, *setpoints: NewSetpoint, source: str = "manual") -> list[Setpoint]:
    return queue_setpoints(organization=people.a, setpoints=setpoints, source=source)


def states() -> list[str]:
    return list(Setpoint.objects.order_by("pk").values_list("state", flat=True))


def answer(setpoint: Setpoint, status: Any = "accepted", reason: str = "", asset: int | None = None) -> int:
    told = ReceivedAnswer(asset or setpoint.asset_id, Answer(setpoint.message_id, status, reason), timezone.now())
    return len(note_answers(answers=[told]))


def test_the_newest_supersedes_what_a_device_was_told_and_keeps_the_rest_of_it(
    people: People, battery: Battery
) -> None:
    (plan,) = queue(people, asked(battery, 1, 2, 3, 4), source="schedule")
    (by_hand,) = queue(people, asked(battery, 9, start=plan.start + HOUR))
    assert states() == ["superseded", "queued"]
    assert by_hand.steps.power_kw.tolist() == [1, 9, 3, 4]
    assert by_hand.valid_until == plan.valid_until
    assert [event.action for event in AuditEvent.objects.filter(object_type="telemetry.setpoint")] == [
        "setpoint.queue"
    ] * 2


def test_a_plan_leaves_what_was_told_by_hand_until_it_is_over(people: People, battery: Battery) -> None:
    (plan,) = queue(people, asked(battery, 1, 2, 3, 4), source="schedule")
    queue(people, asked(battery, 9, start=plan.start + HOUR))
    (later,) = queue(people, asked(battery, 5, 6, 7, 8), source="schedule")
    assert later.steps.power_kw.tolist() == [1, 9, 7, 8]
    assert later.held_until == plan.start + 2 * HOUR
    (called,) = queue(people, asked(battery, -1, -1, -1, -1), source="activation")
    assert called.steps.power_kw.tolist() == [1, 9, -1, -1]
    (by_hand,) = queue(people, asked(battery, 3), source="manual")
    assert by_hand.steps.power_kw.tolist() == [3, 9, -1, -1]


def test_steps_that_are_over_are_left_out(people: People, battery: Battery) -> None:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - 2 * HOUR
    (made,) = queue(people, asked(battery, 1, 2, 3, 4, start=start))
    assert (made.start, made.steps.power_kw.tolist()) == (start + 2 * HOUR, [3, 4])


def test_a_device_answers_once(people: People, battery: Battery) -> None:
    (first,) = queue(people, asked(battery, 1))
    note_sent(setpoints=[first.pk])
    assert answer(first) == 0
    note_sent(setpoints=[first.pk])
    first.refresh_from_db()
    assert (first.state, first.answered_at is not None, first.sent_at is not None) == ("acknowledged", True, True)
    assert answer(first, "refused", "too hot") == 0
    again = Setpoint.objects.get(pk=first.pk)
    assert (again.state, again.reason, again.answered_at) == ("acknowledged", "", first.answered_at)
    (second,) = queue(people, asked(battery, 2))
    answer(first, "refused")
    answer(second, "refused", "too\0 hot")
    assert states() == ["superseded", "refused"]
    assert Setpoint.objects.get(pk=second.pk).reason == "too hot"


def test_an_answer_to_a_setpoint_of_another_device_changes_nothing(people: People, battery: Battery) -> None:
    (made,) = queue(people, asked(battery, 1))
    other = BatteryFactory(site=battery.site, name="other")
    assert answer(made, asset=other.pk) == 1
    assert states() == ["queued"]


def test_answers_come_by_messages_and_strange_ones_become_letters(people: People, battery: Battery) -> None:
    (made,) = queue(people, asked(battery, 1))
    good = f'{{"id":"{made.message_id}","status":"accepted"}}'.encode()
    strange = f'{{"id":"{uuid4()}","status":"accepted"}}'.encode()
    own = "flex/v1/a/home/battery/setpoint"
    messages = [(TOPIC, good), (TOPIC, strange), (TOPIC, b"ok"), (own, b"echo"), ("flex/v1/a/home/site/ack", good)]
    now_us = int(timezone.now().timestamp() * 1e6)
    found = ingest(registry=TopicRegistry(), messages=[Message(*each, now_us) for each in messages])
    assert (found.refused, states()) == (3, ["acknowledged"])
    letters = list(DeadLetter.objects.order_by("source", "pk"))
    assert [each.source for each in letters] == [TOPIC, TOPIC, "flex/v1/a/home/site/ack"]
    assert any("allowed: that of a set-point of this device." in each.reason for each in letters)
    for letter in letters:
        with pytest.raises(ValidationError):
            replay_letter(letter=letter)


def test_what_nobody_answers_expires(people: People, battery: Battery) -> None:
    (made,) = queue(people, asked(battery, 1))
    assert expire_setpoints() == 0
    over = {"start": timezone.now() - 2 * HOUR, "valid_until": timezone.now() - HOUR}
    Setpoint.objects.filter(pk=made.pk).update(**over)
    assert (expire_setpoints(), expire_setpoints(), states()) == (1, 0, ["expired"])
    answer(made)
    assert states() == ["expired"]
    (acknowledged,) = queue(people, asked(battery, 1))
    answer(acknowledged)
    Setpoint.objects.filter(pk=acknowledged.pk).update(**over)
    (newest,) = queue(people, asked(battery, 2))
    assert (expire_setpoints(), states()) == (0, ["expired", "acknowledged", "queued"])
    assert newest.steps.power_kw.tolist() == [2]


def test_a_setpoint_is_cancelled_while_it_is_live(people: People, battery: Battery) -> None:
    (first,) = queue(people, asked(battery, 1))
    cancelled = cancel_setpoint(setpoint=first)
    assert (cancelled.state, cancelled.withdrawal, cancelled.ended_at is not None) == ("cancelled", True, True)
    with pytest.raises(ValidationError, match="The set-point is cancelled; allowed: queued, sent, acknowledged"):
        cancel_setpoint(setpoint=first)
    queue(people, asked(battery, 2))
    assert not Setpoint.objects.filter(withdrawal=True).exists()
    actions = AuditEvent.objects.filter(action="setpoint.cancel")
    assert [(event.before["state"], event.after["state"]) for event in actions] == [("queued", "cancelled")]


def test_the_database_itself_lets_no_device_wait_for_two(people: People, battery: Battery) -> None:
    (made,) = queue(people, asked(battery, 1))
    made.pk, made.message_id = None, uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        made.save()


def test_what_nobody_can_follow_is_refused_by_name_and_nothing_is_queued(people: People, battery: Battery) -> None:
    load = ElectricLoadFactory(site=battery.site)
    foreign = BatteryFactory(site=SiteFactory(organization=people.b))
    far = SiteFactory(organization=people.a)
    lonely = BatteryFactory(site=far)
    over = timezone.now() - 3 * HOUR
    wrong = [
        asked(foreign, 1),
        asked(load, 1),
        asked(lonely, 1),
        asked(battery, 1, step_seconds=0),
        asked(battery, 1, start=over),
        asked(battery, *[1] * 300),
        asked(battery),
    ]
    with pytest.raises(ValidationError) as raised:
        queue(people, *wrong)
    told = raised.value.message_dict
    assert told["setpoints[0].asset"] == [f"asset is {foreign.pk}; allowed: the id of a device of the organization."]
    assert "kind is electric_load; allowed: battery, chp, electric_vehicle" in told["setpoints[1].asset"][0]
    assert "a device with an active credential" in told["setpoints[2].asset"][0]
    assert told["setpoints[3].step_seconds"] == ["step_seconds is 0; allowed: 1 to 86400."]
    for index in (4, 5, 6):
        assert "one set-point for a device" in told[f"setpoints[{index}].asset"][0]
    for each, name in zip(wrong[4:], ("start", "start", "power_kw"), strict=True):
        with pytest.raises(ValidationError) as raised:
            queue(people, each)
        assert list(raised.value.message_dict) == [f"setpoints[0].{name}"]
    assert states() == []


def test_a_revoked_credential_reaches_nobody(people: People, battery: Battery) -> None:
    own, _ = create_credential(site=battery.site, asset=battery, name="own")
    gateway = type(own).objects.get(name="gateway")
    revoke_credential(credential=gateway)
    assert queue(people, asked(battery, 1))
    revoke_credential(credential=own)
    with pytest.raises(ValidationError, match="nobody can reach"):
        queue(people, asked(battery, 1))


def test_many_are_queued_by_as_many_statements_as_few(people: People, battery: Battery) -> None:
    def queries(count: int) -> int:
        devices = [BatteryFactory(site=battery.site, name=f"{count} {number}") for number in range(count)]
        queue(people, *(asked(each, 1) for each in devices))
        with CaptureQueriesContext(connection) as made:
            queue(people, *(asked(each, 2) for each in devices))
        return len(made)

    assert queries(1) == queries(3) == 10


def test_plans_are_sent_where_the_switch_is_on(people: People, battery: Battery) -> None:
    site, other = battery.site, SiteFactory(organization=people.a)

    def on() -> set[int]:
        return sites_with_dispatch(people.a, [site.pk, other.pk])

    assert on() == set()
    switch_plans(organization=people.a, enabled=True)
    assert on() == {site.pk, other.pk}
    switch_plans(organization=people.a, enabled=False, site=other)
    assert on() == {site.pk}
    switch_plans(organization=people.a, enabled=None, site=other)
    assert on() == {site.pk, other.pk}
    actions = AuditEvent.objects.filter(action__startswith="plan_dispatch").order_by("pk")
    assert [event.action for event in actions] == ["plan_dispatch.on", "plan_dispatch.off", "plan_dispatch.default"]
    with organization_scope(people.b):
        assert sites_with_dispatch(people.b, [site.pk]) == set()


def test_turning_plans_off_takes_them_back_and_leaves_what_was_set_by_hand(people: People, battery: Battery) -> None:
    by_hand = BatteryFactory(site=battery.site, name="by hand")
    switch_plans(organization=people.a, enabled=True)
    queue(people, asked(battery, 1), source="schedule")
    queue(people, asked(by_hand, 1))
    switch_plans(organization=people.a, enabled=False)
    assert states() == ["cancelled", "queued"]
