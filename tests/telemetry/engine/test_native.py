from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.engine.native import LARGEST_PAYLOAD, Refusal, read_native
from telemetry.engine.topics import Topic, asset_level, read_topic, topic_of
from telemetry.quantities import QUANTITIES

POWER, CHARGE = QUANTITIES["power_kw"], QUANTITIES["soc_percent"]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000


def read(payload: bytes, quantity: object = POWER) -> tuple[list[tuple[int, float]], list[Refusal]]:
    refused: list[Refusal] = []
    found = read_native(payload, quantity, NOW_US, refused)  # type: ignore[arg-type]
    return found, refused


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"ts":"2026-11-21T12:00:00Z","value":-3.2}', -3.2),
        (b'{"ts":"2026-11-21T13:00:00+01:00","value":-3,"unit":"kW","quality":"good"}', -3.0),
        (b'{"ts":1795262400,"value":1500,"unit":"W"}', 1.5),
        (b'{"value":2,"unit":"MW","ts":1795262400.0,"site":"another","extra":{"a":[1]}}', 2000.0),
    ],
)
def test_a_reading_is_converted_to_what_is_stored(payload: bytes, value: float) -> None:
    assert read(payload) == ([(NOW_US, value)], [])


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"on", "no JSON"),
        (b"[]", "no reading"),
        (b"2.5", "no reading"),
        (b"null", "no reading"),
        (b'{"ts":1795262400,"value":NaN}', "no JSON"),
        (b'{"ts":1795262400,"value":Infinity}', "no JSON"),
        (b'{"ts":1795262400,"value":1e999}', "out of range"),
        (b'{"ts":1795262400,"value":' + b"9" * 400 + b"}", "out of range"),
        (b'{"ts":1795262400,"value":1e13}', "<= 1000000000000"),
        (b'{"ts":1795262400,"value":"2"}', "Expected `float`"),
        (b'{"ts":1795262400,"value":true}', "Expected `float`"),
        (b'{"ts":1795262400,"value":null}', "Expected `float`"),
        (b'{"ts":1795262400,"value":{"a":1}}', "Expected `float`"),
        (b'{"value":2}', "missing required field `ts`"),
        (b'{"ts":"2026-11-21T12:00:00","value":2}', "timezone"),
        (b'{"ts":"yesterday","value":2}', "Invalid RFC3339"),
        (b'{"ts":1795262400,"value":2,"unit":"kWh"}', "unit is 'kWh'; allowed for power_kw: kW, W, MW."),
        (b'{"ts":1795262400,"value":2,"quality":"bad"}', "quality is bad"),
        (b'{"ts":1795262400,"value":2,"quality":"odd"}', "Invalid enum value"),
        (b'{"ts":"2024-11-01T12:00:00Z","value":2}', "at most two years old"),
        (b'{"ts":"0001-01-01T00:00:00+14:00","value":2}', "beyond the calendar; allowed: at most two years old"),
        (b'{"ts":"2026-11-21T13:00:01Z","value":2}', "at most an hour in the future"),
        (b"[" * 100_000, "bytes; allowed: 65536"),
        (b"[" * 60_000, "The payload is"),
        (b'{"a":' * 10_000, "The payload is"),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(payload: bytes, reason: str) -> None:
    found, refused = read(payload)
    assert found == []
    assert [(each.raw, reason in each.reason) for each in refused] == [(payload, True)], refused


def test_a_value_beyond_the_quantity_is_refused() -> None:
    found, refused = read(b'{"ts":1795262400,"value":140}', CHARGE)
    assert found == []
    assert refused[0].reason == "value is 140; allowed for soc_percent: 0 to 100."


def test_the_right_elements_of_an_array_are_taken() -> None:
    array = b'[{"ts":1795262400,"value":1},{"ts":1795262401,"value":"2"},{"ts":1795262402,"value":3,"unit":"x"}]'
    found, refused = read(array)
    assert found == [(NOW_US, 1.0)]
    assert [each.raw for each in refused] == [
        b'{"ts":1795262401,"value":"2"}',
        b'{"ts":1795262402,"value":3,"unit":"x"}',
    ]
    whole, refused = read(b'[{"ts":1795262400,"value":1},{"ts":1795262401,"value":2,"unit":"x"}]')
    assert (whole, len(refused)) == ([(NOW_US, 1.0)], 1)


def test_the_largest_payload_is_taken() -> None:
    body = b'{"ts":1795262400,"value":1}'
    assert read(body + b" " * (LARGEST_PAYLOAD - len(body)))[0] == [(NOW_US, 1.0)]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_stored_or_refused(payload: bytes) -> None:
    found, refused = read(payload)
    assert bool(found) != bool(refused)


def test_topics_are_read_as_they_are_written() -> None:
    assert read_topic(topic_of("a", "home", "", "grid_power_kw")) == Topic("a", "home", "", "grid_power_kw")
    assert read_topic("flex/v1/a/home/pv/power_kw") == Topic("a", "home", "pv", "power_kw")
    for wrong in ("flex/v1/a/home/pv", "flex/v2/a/home/pv/power_kw", "flex/v1/a//pv/power_kw", "x", ""):
        assert read_topic(wrong) is None


@pytest.mark.parametrize(
    ("name", "level"), [("pv", "pv"), ("PV_2.b-c", "PV_2.b-c"), ("site", "7"), ("12", "7"), ("EV 1", "7"), ("a/b", "7")]
)
def test_a_device_is_named_by_what_a_topic_can_hold(name: str, level: str) -> None:
    assert asset_level(name, 7) == level
