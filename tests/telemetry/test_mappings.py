"""Devices with a language of their own: stored in the right tenant, previewed, proposed, within what they may."""

import json
from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from telemetry.engine.mapping import CONSUMPTION, PRODUCTION, MappingSpec, Outcome, Rule
from telemetry.engine.presets import PRESETS
from telemetry.models import (
    Channel,
    ChannelProposal,
    DeadLetter,
    DevicePresence,
    Mapping,
    MappingRule,
    Reading,
    RecentMessage,
)
from telemetry.models.moments import microseconds
from telemetry.services import create_credential, replay_letter, revoke_credential
from telemetry.services import recent as recent_module
from telemetry.services.ingest import Message, ingest
from telemetry.services.mapping_preview import preview_mapping
from telemetry.services.mappings import apply_preset, create_mapping
from telemetry.services.proposals import accept_proposal, refuse_proposal
from telemetry.services.recent import store_recent
from telemetry.services.registry import TopicRegistry
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory

DISCOVERY = "homeassistant/sensor/plug/power/config"
CONFIG = {
    "name": "Plug power",
    "state_topic": "plug/state",
    "value_template": "{{ value_json.power }}",
    "unit_of_measurement": "W",
    "device_class": "power",
}


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def site(people: People, in_a: None) -> Site:
    row: Site = SiteFactory(organization=people.a, slug="home")
    BatteryFactory(site=row)
    create_credential(site=row, name="gateway")
    with organization_scope(people.b):
        other = SiteFactory(organization=people.b, slug="home")
        BatteryFactory(site=other, name="theirs")
        create_credential(site=other, name="gateway")
    return row


def send(*messages: tuple[str, str], registry: TopicRegistry | None = None) -> tuple[int, int]:
    """Take messages as the bridge does; return how many readings were new and how many messages were refused."""
    used = registry or TopicRegistry()
    now_us = microseconds(timezone.now())
    stored = ingest(registry=used, messages=[Message(topic, text.encode(), now_us) for topic, text in messages])
    store_recent(messages=used.recent.take())
    return stored.new, stored.refused


def battery_mapping(people: People, **rule: str) -> Mapping:
    values = {"asset": "battery", "quantity": "power_kw", "path": "p", "unit": "W", "sign": PRODUCTION, **rule}
    spec = MappingSpec(name="battery", topic="inverter/{device}", rules=[Rule(**values)])
    return create_mapping(organization=people.a, spec=spec)


def test_a_mapped_message_is_stored_in_the_unit_and_sign_of_the_house(people: People, site: Site) -> None:
    battery_mapping(people)
    assert send(("ext/a.gateway/inverter/1", '{"p":1500}')) == (1, 0)
    channel = Channel.objects.get()
    assert (str(channel), Reading.objects.get().value) == (f"{site} battery.power_kw", -1.5)
    assert AuditEvent.objects.filter(action="mapping.create").count() == 1


def test_a_last_will_of_its_own_marks_the_device(people: People, site: Site) -> None:
    battery_mapping(people, quantity="status", unit="", sign=CONSUMPTION)
    assert send(("ext/a.gateway/inverter/1", '{"p":"Offline"}'), ("ext/a.gateway/inverter/1", '{"p":7}')) == (0, 1)
    presence = DevicePresence.objects.get()
    assert (presence.asset.name if presence.asset else "", presence.online) == ("battery", False)
    assert "allowed: online, true, 1, offline, false, 0." in DeadLetter.objects.get().reason
    send(("ext/a.gateway/inverter/1", '{"p":true}'))
    assert DevicePresence.objects.get().online
    assert not Channel.objects.exists()


def test_what_no_mapping_takes_is_neither_stored_nor_refused(people: People, site: Site) -> None:
    battery_mapping(people)
    assert send(("ext/a.gateway/other", "1"), ("ext/a.gateway/inverter/1", '{"q":1}')) == (0, 0)
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("ext/a.gateway/inverter/1", "no", "no JSON"),
        ("ext/a.gateway/inverter/1", '{"p":true}', "allowed: a finite number"),
        ("ext/a.nobody/inverter/1", '{"p":1}', "No active credential publishes below this topic."),
        ("ext/a.gateway", "1", "none of flex/v1"),
    ],
)
def test_what_is_wrong_becomes_a_letter(people: People, site: Site, topic: str, payload: str, reason: str) -> None:
    battery_mapping(people)
    assert send((topic, payload), ("ext/a.gateway/inverter/1", '{"p":2}')) == (1, 1)
    letters = [*DeadLetter.objects.values_list("reason", flat=True)]
    assert all(reason in each for each in letters)
    assert bool(letters) == (topic != "ext/a.gateway"), "a topic without a tenant is the platform's"


def test_a_mapping_reaches_devices_of_its_credential_only(people: People, site: Site) -> None:
    battery_mapping(people, asset="{device}")
    assert send(("ext/a.gateway/inverter/theirs", '{"p":1}'), ("ext/b.gateway/inverter/theirs", '{"p":1}')) == (0, 1)
    assert "device is 'theirs'; allowed: battery." in DeadLetter.objects.get().reason
    second = BatteryFactory(site=site, name="second")
    create_credential(site=site, asset=second, name="second")
    assert send(("ext/a.second/inverter/battery", '{"p":1}'), ("ext/a.second/inverter/second", '{"p":1}')) == (1, 1)
    assert Reading.objects.get().channel.asset_id == second.pk


def test_a_mapping_for_a_credential_is_for_no_other(people: People, site: Site) -> None:
    credential, _ = create_credential(site=site, name="second")
    spec = MappingSpec(name="x", topic="t", rules=[Rule(quantity="grid_power_kw")])
    create_mapping(organization=people.a, credential=credential, spec=spec)
    assert send(("ext/a.gateway/t", "1"), ("ext/a.second/t", "1")) == (1, 0)
    revoke_credential(credential=credential)
    assert send(("ext/a.second/t", "2")) == (0, 1)


def test_a_changed_rule_counts_from_the_next_look(people: People, site: Site) -> None:
    mapping = battery_mapping(people)
    registry = TopicRegistry()
    assert send(("ext/a.gateway/inverter/1", '{"p":1}'), registry=registry) == (1, 0)
    MappingRule.objects.filter(mapping=mapping).update(path="q")
    mapping.save()
    registry._looked = float("-inf")
    assert send(("ext/a.gateway/inverter/1", '{"p":1,"q":2000}'), registry=registry) == (1, 0)
    assert sorted(Reading.objects.values_list("value", flat=True)) == [-2.0, -0.001]


def test_a_letter_of_a_mapping_is_taken_again(people: People, site: Site) -> None:
    battery_mapping(people, asset="pv")
    assert send(("ext/a.gateway/inverter/1", '{"p":1}')) == (0, 1)
    MappingRule.objects.update(asset="battery")
    assert replay_letter(letter=DeadLetter.objects.get()).new == 1


def test_a_wrong_rule_is_refused_by_its_field(people: People, site: Site) -> None:
    with pytest.raises(ValidationError) as error:
        battery_mapping(people, unit="kWh")
    assert set(error.value.message_dict) == {"rules[0].unit"}
    assert not Mapping.objects.exists()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_applied_once(people: People, site: Site, name: str) -> None:
    preset = PRESETS[name]
    assert len(apply_preset(organization=people.a, preset=preset)) == len(preset.mappings)
    assert apply_preset(organization=people.a, preset=preset) == []


def test_the_last_messages_are_few_and_the_tenants_own(
    people: People, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "MOST_PER_ORGANIZATION", 3)
    for index in range(5):
        send((f"ext/a.gateway/t{index}", "1"), ("ext/b.gateway/theirs", "1"))
    send(("ext/a.gateway/t4", "x" * 5000))
    found = list(RecentMessage.objects.values_list("topic", "size"))
    assert sorted(found) == [("t2", 1), ("t3", 1), ("t4", 5000)]
    assert len(RecentMessage.objects.get(topic="t4").text) == 4096


def test_the_preview_says_what_would_be_stored_and_stores_nothing(people: People, site: Site) -> None:
    send(
        ("ext/a.gateway/inverter/1", '{"p":1500,"q":"online","s":0}'),
        ("ext/a.gateway/else", "1"),
        ("ext/b.gateway/inverter/1", '{"p":1}'),
    )
    rules = [
        Rule(asset="battery", quantity="power_kw", path="p", unit="W"),
        Rule(asset="battery", quantity="soc_percent", path="q"),
        Rule(asset="battery", quantity="soc_percent", path="r"),
        Rule(asset="pv", quantity="power_kw", path="p"),
        Rule(asset="battery", quantity="heat_kw", path="p"),
        Rule(asset="battery", quantity="status", path="q"),
        Rule(quantity="status", path="s"),
    ]
    spec = MappingSpec(name="x", topic="inverter/+", rules=rules)
    first, second = preview_mapping(organization=people.a, spec=spec)
    assert (first.topic, second.topic, second.lines) == ("inverter/1", "else", ())
    outcomes = [each.outcome for each in first.lines]
    refused = Outcome.REFUSED
    assert outcomes == [Outcome.VALUE, refused, Outcome.NOTHING, refused, refused, Outcome.VALUE, Outcome.VALUE]
    assert (first.lines[0].channel, first.lines[0].value) == (f"{site} battery.power_kw", 1.5)
    assert [(each.channel, each.value) for each in first.lines[5:]] == [("battery.status", 1), ("site.status", 0)]
    reasons = [each.reason for each in first.lines[1:5]]
    for reason, part in zip(reasons, ("'online'", "Nothing stands at r", "allowed: battery", "heat_kw"), strict=True):
        assert part in reason
    assert not Channel.objects.exists()
    assert not Reading.objects.exists()


def announce(**changes: object) -> None:
    send((f"ext/a.gateway/{DISCOVERY}", json.dumps({**CONFIG, **changes})))


def test_a_proposal_waits_for_a_person_and_becomes_a_mapping(people: People, site: Site) -> None:
    announce()
    announce(name="Renamed")
    proposal = ChannelProposal.objects.get()
    assert (proposal.name, proposal.topic, proposal.path) == ("Renamed", "plug/state", "power")
    assert send(("ext/a.gateway/plug/state", '{"power":500}')) == (0, 0)
    with pytest.raises(ValidationError) as error:
        accept_proposal(proposal=proposal, asset="battery", quantity="soc_percent")
    assert set(error.value.message_dict) == {"rules[0].unit"}
    accept_proposal(proposal=proposal, asset="battery", quantity="power_kw")
    assert send(("ext/a.gateway/plug/state", '{"power":500}')) == (1, 0)
    assert Reading.objects.get().value == 0.5
    with pytest.raises(ValidationError, match="not open any more"):
        refuse_proposal(proposal=proposal)
    assert AuditEvent.objects.filter(action="channel_proposal.accept").count() == 1


def test_a_refused_proposal_is_not_made_again(people: People, site: Site) -> None:
    announce()
    refuse_proposal(proposal=ChannelProposal.objects.get())
    announce(name="Again")
    assert ChannelProposal.objects.get().state == ChannelProposal.State.REFUSED


def test_a_device_takes_its_proposal_back(people: People, site: Site) -> None:
    announce()
    send((f"ext/a.gateway/{DISCOVERY}", ""))
    assert not ChannelProposal.objects.exists()
