"""Each setting that keeps messages safe, and what gets lost without it; a real mosquitto."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django_scopes import scopes_disabled
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.embedded.mqtt import BRIDGE_USER, Mosquitto, find_mosquitto
from telemetry.models import Reading
from telemetry.services import create_credential
from telemetry.services.ingest import ingest
from telemetry.services.registry import TopicRegistry
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory
from tests.telemetry.mqtt.brokers import DEVICE, PASSWORD, TOPIC, link_to, made, publish, take_all, wait_for

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")

MANY = 3000
FEW = 100


@contextmanager
def broker_in(folder: Path, *without: str) -> Iterator[Mosquitto]:
    with made(folder, *without) as broker:
        broker.start()
        yield broker


def numbers(count: int, first: int = 0) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def come_back(broker: Mosquitto, most: int, **options: Any) -> list[str]:
    """Return what a bridge gets that was away, and acknowledges in pieces smaller than its window."""
    link = link_to(broker, **options)
    found: list[str] = []
    while taken := take_all(link, min(most, 1000)):
        link.acknowledge(taken)
        found += [each.message.payload.decode() for each in taken]
        if len(found) >= most:
            break
    link.stop()
    return found


@pytest.mark.parametrize(("without", "survive"), [((), MANY), (("max_queued", "max_inflight"), 1000)])
def test_the_queue_of_a_bridge_that_is_away(tmp_path: Path, without: tuple[str, ...], survive: int) -> None:
    with broker_in(tmp_path, *without) as broker:
        link_to(broker).stop()
        publish(broker, numbers(MANY))
        found = come_back(broker, MANY)
        assert found == numbers(MANY) if survive == MANY else len(found) <= survive


@pytest.mark.parametrize(("without", "survive"), [((), FEW), (("persistence", "autosave"), 0)])
def test_a_restart_of_the_broker(tmp_path: Path, without: tuple[str, ...], survive: int) -> None:
    with broker_in(tmp_path, *without) as broker:
        link_to(broker).stop()
        publish(broker, numbers(FEW))
        broker.stop()
        broker.start()
        assert come_back(broker, FEW) == numbers(survive)


@pytest.mark.parametrize(
    ("first", "second", "survive"),
    [({}, {}, FEW), ({"session_seconds": 0}, {}, 0), ({}, {"clean_start": True}, 0)],
    ids=["safe", "no session expiry", "a clean start"],
)
def test_the_session_of_a_bridge_that_is_away(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], survive: int
) -> None:
    with broker_in(tmp_path) as broker:
        link_to(broker, **first).stop()
        publish(broker, numbers(FEW))
        assert come_back(broker, FEW, **second) == numbers(survive)


@pytest.mark.parametrize(("acknowledged_first", "survive"), [(False, FEW), (True, 0)])
def test_messages_that_were_received_and_never_stored(tmp_path: Path, acknowledged_first: bool, survive: int) -> None:
    with broker_in(tmp_path) as broker:
        link = link_to(broker)
        publish(broker, numbers(FEW))
        taken = take_all(link, FEW)
        assert len(taken) == FEW
        if acknowledged_first:
            link.acknowledge(taken)
        link.stop()
        assert come_back(broker, FEW) == numbers(survive)


@pytest.mark.parametrize("pretend", [False, True])
def test_an_acknowledgement_of_an_earlier_connection(tmp_path: Path, pretend: bool) -> None:
    """Message ids start again once the broker lost the session: old ones mean other messages then.

    Where they start depends on what the broker sent meanwhile, so some of the others may survive the pretence.
    """
    with broker_in(tmp_path) as broker:
        link = link_to(broker)
        publish(broker, numbers(FEW))
        old = take_all(link, FEW)
        broker.stop()
        wait_for(lambda: not link.state.subscribed)
        (tmp_path / "mosquitto.db").unlink()
        broker.start()
        wait_for(lambda: link.state.subscribed)
        publish(broker, numbers(FEW, first=FEW))
        assert len(take_all(link, FEW)) == FEW
        link.acknowledge([replace(each, epoch=link.epoch) for each in old] if pretend else old)
        link.stop()
        survived = come_back(broker, FEW)
        assert len(survived) < FEW / 2 if pretend else survived == numbers(FEW, first=FEW)
        assert link.state.stale_acknowledgements == (0 if pretend else FEW)


def test_a_device_cannot_take_the_place_of_the_bridge(tmp_path: Path) -> None:
    """A client id is the user's name: somebody else's cannot be asked for, so the bridge's queue stays."""
    with broker_in(tmp_path) as broker:
        link_to(broker).stop()
        publish(broker, numbers(FEW))
        thief = paho.Client(CallbackAPIVersion.VERSION2, client_id=BRIDGE_USER, clean_session=True)
        thief.username_pw_set(DEVICE, PASSWORD)
        thief.connect("127.0.0.1", broker.port)
        thief.loop_start()
        thief.subscribe("flex/v1/b/#", qos=1)
        thief.disconnect()
        thief.loop_stop()
        assert come_back(broker, FEW) == numbers(FEW)


@pytest.mark.parametrize(("window", "survive"), [(5000, MANY), (20, 1020)])
def test_a_window_that_is_too_small_fills_the_queue_of_the_default(tmp_path: Path, window: int, survive: int) -> None:
    """A bridge that is there and waits for its database: what the window does not hold waits in the broker's queue."""
    with broker_in(tmp_path, "max_queued", "max_inflight") as broker:
        link = link_to(broker, receive_maximum=window)
        publish(broker, numbers(MANY))
        found = take_all(link, MANY)
        assert len(found) == min(window, MANY)
        link.acknowledge(found)
        while len(found) < survive and (taken := take_all(link, 1000)):
            link.acknowledge(taken)
            found += taken
        link.stop()
        assert len(found) == survive
        # 1,000 in the queue, and the first of a window; the others were acknowledged to the device and thrown away.
        assert [each.message.payload.decode() for each in found[:20]] == numbers(20)


@pytest.mark.django_db
def test_what_comes_again_is_doubled_by_a_plain_insert(people: People, tmp_path: Path) -> None:
    """Messages that were stored and not acknowledged come again; the key of readings is what keeps them single."""
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        site = SiteFactory(organization=people.a, slug="home")
        BatteryFactory(site=site)
        create_credential(site=site, name="gateway")
    first = round(time.time()) - FEW
    with broker_in(tmp_path) as broker, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE plain (topic text, payload text)")
        link = link_to(broker)
        publish(broker, [f'{{"ts":{first + number},"value":{number}}}' for number in range(FEW)])
        for _ in range(2):
            taken = take_all(link, FEW)
            assert len(taken) == FEW
            ingest(registry=TopicRegistry(), messages=[each.message for each in taken])
            rows = [(each.message.topic, each.message.payload.decode()) for each in taken]
            cursor.executemany("INSERT INTO plain VALUES (%s, %s)", rows)
            # Killed before it could acknowledge.
            link.stop()
            link = link_to(broker)
        link.stop()
        cursor.execute("SELECT count(*) FROM plain")
        assert cursor.fetchone() == (2 * FEW,)
    with scopes_disabled():
        assert Reading.objects.count() == FEW


def test_a_device_that_joins_a_shared_subscription_takes_nothing_from_the_bridge(tmp_path: Path) -> None:
    """mosquitto grants any subscription; a share would lose its part, so the bridge has none."""
    with broker_in(tmp_path) as broker:
        link = link_to(broker)
        granted: list[str] = []
        thief = paho.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
        thief.username_pw_set(DEVICE, PASSWORD)
        thief.on_subscribe = lambda _client, _data, _mid, reasons, _properties: granted.extend(map(str, reasons))
        thief.connect("127.0.0.1", broker.port)
        thief.loop_start()
        thief.subscribe([("$share/flexplatform-bridge/flex/v1/#", 1), ("$share/any/#", 1)])
        wait_for(lambda: granted)
        for payload in numbers(FEW):
            thief.publish(TOPIC, payload, qos=1).wait_for_publish(20)
        found = take_all(link, FEW)
        thief.disconnect()
        thief.loop_stop()
        link.stop()
        assert sorted(each.message.payload for each in found) == sorted(map(str.encode, numbers(FEW)))
