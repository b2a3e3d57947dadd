"""What a bridge says of itself, and what `/healthz` makes of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from telemetry.models import BridgeState
from telemetry.mqtt import bridge as module
from telemetry.mqtt.address import BrokerAddress
from telemetry.mqtt.bridge import Bridge, BridgeOptions
from telemetry.mqtt.link import LinkOptions, LinkState


class NoLock:
    def acquire(self) -> bool:
        return True

    def held(self) -> bool:
        return True

    def release(self) -> None:
        """Nothing is held."""


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def bridge(clock: Clock) -> Bridge:
    return Bridge(
        BrokerAddress.of("mqtt://u:p@h"), LinkOptions(filters=[], client_id="bridge"), BridgeOptions(), NoLock()
    )


@pytest.fixture
def said(bridge: Bridge, clock: Clock) -> Callable[..., str]:
    """Return what the bridge says after some seconds."""

    def say(seconds: float, **state: Any) -> str:
        clock.now += seconds
        return bridge._problem(LinkState(connected=True, **state))

    return say


def test_a_message_that_came_just_now_is_no_problem(said: Callable[..., str]) -> None:
    assert said(3600, queued=0) == ""
    assert said(5, queued=1) == ""


def test_messages_that_wait_for_a_minute_are_one(said: Callable[..., str]) -> None:
    assert said(1, queued=0) == ""
    assert said(59, queued=3) == ""
    assert said(2, queued=3) == "3 messages wait, and none was stored for a minute"
    assert said(1, queued=0) == ""


def test_a_refused_subscription_is_one_also_while_connected(said: Callable[..., str]) -> None:
    assert said(1, refused="The broker refuses the subscription.") == "The broker refuses the subscription."


@pytest.mark.parametrize(
    ("connected", "problem", "age", "trouble"),
    [
        (True, "", 0, ""),
        (True, "stuck", 0, "stuck"),
        (False, "", 0, "not connected to the broker"),
        (False, "refused", 0, "refused"),
        (True, "", 61, "silent since"),
    ],
)
def test_the_state_tells_what_is_wrong(connected: bool, problem: str, age: int, trouble: str) -> None:
    now = timezone.now()
    state = BridgeState(connected=connected, problem=problem, beat_at=now - timedelta(seconds=age))
    assert state.trouble(now).startswith(trouble)
    assert bool(state.trouble(now)) == bool(trouble)
