"""Presets read what the makers' devices send; a wrong rule or payload is told, never raised as anything else."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.engine.mapping import (
    PRODUCTION,
    MappingProblem,
    MappingSpec,
    Outcome,
    Result,
    Rule,
    compiled,
    topic_filter,
)
from telemetry.engine.paths import ABSENT, read_path, value_at
from telemetry.engine.presets import PRESETS

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
BERLIN = ZoneInfo("Europe/Berlin")
TASMOTA = (
    b'{"Time":"2026-11-21T12:59:01","ENERGY":{"Total":3.185,"Yesterday":3.058,"Today":0.127,"Power":501,'
    b'"Factor":0.84,"Voltage":221,"Current":2.6}}'
)
SHELLY = (
    b'{"src":"shellypro3em-1","dst":"x/events","method":"NotifyStatus",'
    b'"params":{"ts":1795262390.5,"em:0":{"id":0,"a_act_power":100.1,"total_act_power":-951.2}}}'
)


def read(preset: str, topic: str, payload: bytes) -> list[tuple[str, str, float, int]]:
    """Return (device, quantity, value, age in seconds) of all that a preset takes from a message."""
    found = []
    for spec in PRESETS[preset].mappings:
        mapping = compiled(spec)
        names = mapping.topic.match(topic)
        if names is not None:
            for rule, result in zip(mapping.rules, mapping.read(payload, NOW_US, BERLIN), strict=True):
                assert result.outcome is not Outcome.REFUSED, result
                if result.outcome is Outcome.VALUE:
                    age = (NOW_US - result.moment_us) // 1_000_000
                    found.append((rule.asset(names), rule.quantity.name, round(result.value, 6), age))
    return found


@pytest.mark.parametrize(
    ("preset", "topic", "payload", "expected"),
    [
        (
            "tasmota",
            "tele/plug_1/SENSOR",
            TASMOTA,
            [("plug_1", "power_kw", 0.501, 59), ("plug_1", "import_register_kwh", 3.185, 59)],
        ),
        ("tasmota", "tele/plug_1/SENSOR", b'{"Time":"2026-11-21T12:59:01","AM2301":{"Temperature":20}}', []),
        ("tasmota", "tele/plug_1/STATE", TASMOTA, []),
        ("tasmota", "tele/plug_1/LWT", b"Online", [("plug_1", "status", 1.0, 0)]),
        ("tasmota", "tele/plug_1/LWT", b"Offline", [("plug_1", "status", 0.0, 0)]),
        ("shelly", "meter/online", b"false", [("meter", "status", 0.0, 0)]),
        ("evcc", "evcc/status", b"offline", [("", "status", 0.0, 0)]),
        ("tasmota", "a/tele/plug_1/SENSOR", TASMOTA, []),
        ("shelly", "meter/events/rpc", SHELLY, [("meter", "power_kw", -0.9512, 9)]),
        ("shelly", "meter/events/rpc", b'{"src":"s","method":"NotifyStatus","params":{"ts":1795262390,"sys":{}}}', []),
        (
            "shelly",
            "plug/status/switch:0",
            b'{"id":0,"source":"init","output":true,"apower":12.5,"voltage":234.9,"aenergy":{"total":6532.8}}',
            [("plug", "power_kw", 0.0125, 0), ("plug", "import_register_kwh", 6.5328, 0)],
        ),
        (
            "shelly",
            "meter/status/emdata:0",
            b'{"id":0,"a_total_act_energy":1.0,"total_act":50000.0,"total_act_ret":1200.5}',
            [("meter", "import_register_kwh", 50.0, 0), ("meter", "export_register_kwh", 1.2005, 0)],
        ),
        (
            "shelly",
            "meter/status/em1:0",
            b'{"id":0,"act_power":501.8,"voltage":234.9,"current":2.6,"pf":0.84,"freq":50}',
            [("meter", "power_kw", 0.5018, 0)],
        ),
        ("evcc", "evcc/site/grid/power", b"1234.567", [("", "grid_power_kw", 1.234567, 0)]),
        ("evcc", "evcc/site/pvPower", b"5000", [("pv", "power_kw", -5.0, 0)]),
        ("evcc", "evcc/site/battery/power", b"-800", [("battery", "power_kw", 0.8, 0)]),
        ("evcc", "evcc/site/battery/soc", b"55", [("battery", "soc_percent", 55.0, 0)]),
        ("evcc", "evcc/loadpoints/1/chargePower", b"11000", [("charger-1", "power_kw", 11.0, 0)]),
        ("evcc", "evcc/loadpoints/2/connected", b"true", [("charger-2", "connected", 1.0, 0)]),
        ("evcc", "evcc/site/grid/power", b"", []),
        ("openems", "edge/edge0/channel/_sum/GridActivePower", b"-2500", [("", "grid_power_kw", -2.5, 0)]),
        ("openems", "edge/edge0/channel/_sum/EssSoc", b"80", [("battery", "soc_percent", 80.0, 0)]),
        ("openems", "edge/edge0/channel/_sum/EssActivePower", b"1000", [("battery", "power_kw", -1.0, 0)]),
        ("openems", "edge/edge0/channel/_sum/ProductionActivePower", b"null", []),
        ("victron", "N/c0ff/pvinverter/20/Ac/Power", b'{"value":936}', [("pv", "power_kw", -0.936, 0)]),
        ("victron", "N/c0ff/pvinverter/20/Ac/Power", b'{"value":null}', []),
        ("victron", "N/c0ff/pvinverter/20/Ac/Power", b"", []),
        ("victron", "N/c0ff/system/0/Dc/Battery/Soc", b'{"value":61.5}', [("battery", "soc_percent", 61.5, 0)]),
    ],
)
def test_a_preset_reads_what_its_devices_send(
    preset: str, topic: str, payload: bytes, expected: list[tuple[str, str, float, int]]
) -> None:
    assert read(preset, topic, payload) == expected


def mapped(payload: bytes, *, time_path: str = "", now_us: int = NOW_US, **rule: str) -> Result:
    values = {"quantity": "power_kw", "path": "v", **rule}
    spec = MappingSpec(name="x", topic="t", time_path=time_path, rules=[Rule(**values)])
    (found,) = compiled(spec).read(payload, now_us, BERLIN)
    return found


@pytest.mark.parametrize(
    ("payload", "value"),
    [(b'{"v":1}', 1.0), (b'{"v":"2.5"}', 2.5), (b'{"v":-1e3}', -1000.0), (b'{"v":0}', 0.0)],
)
def test_numbers_are_taken_also_from_texts(payload: bytes, value: float) -> None:
    assert mapped(payload).value == value
    turned = mapped(payload, sign=PRODUCTION)
    assert (turned.value, str(turned.value)) == (-value, str(-value + 0.0))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"v":true}', "The value is True; allowed: a finite number."),
        (b'{"v":"on"}', "The value is 'on'"),
        (b'{"v":"nan"}', "The value is 'nan'"),
        (b'{"v":"1_0"}', "The value is '1_0'"),
        (b'{"v":"\xd9\xa1"}', "finite number"),
        (b'{"v":NaN}', "no JSON"),
        (b'{"v":1e999}', "The payload is no JSON"),
        (b'{"v":' + b"9" * 400 + b"}", "finite number"),
        (b'{"v":1e13}', "finite number"),
        (b'{"v":{"a":1}}', "The value is 'dict'"),
        (b'{"v":[1]}', "The value is 'list'"),
        (b"\xff", "no JSON"),
        (b"{", "no JSON"),
        (b'{"v":' + b"[" * 20_000, "nested too deeply"),
        (b" " * 70_000, "70000 bytes; allowed: 65536"),
    ],
)
def test_what_is_no_value_is_refused_with_a_reason(payload: bytes, reason: str) -> None:
    found = mapped(payload)
    assert found.outcome is Outcome.REFUSED
    assert reason in found.reason


def test_a_value_beyond_its_quantity_is_refused() -> None:
    found = mapped(b'{"v":140}', quantity="soc_percent")
    assert found.reason == "The value is 140; allowed for soc_percent: 0 to 100."


def test_a_bare_word_is_refused_as_a_value() -> None:
    assert mapped(b"unavailable", path="").reason == "The value is 'unavailable'; allowed: a finite number."


@pytest.mark.parametrize(
    ("payload", "seconds"),
    [
        (b'{"v":1,"t":"2026-11-21T11:59:00Z"}', -60),
        (b'{"v":1,"t":"2026-11-21T12:59:00"}', -60),
        (b'{"v":1,"t":"2026-11-21T12:59:00+01:00"}', -60),
        (b'{"v":1,"t":1795262340}', -60),
        (b'{"v":1,"t":1795262340000}', -60),
    ],
)
def test_times_are_read_as_devices_write_them(payload: bytes, seconds: int) -> None:
    assert mapped(payload, time_path="t").moment_us - NOW_US == seconds * 1_000_000


@pytest.mark.parametrize("hour", [0, 1])
def test_of_the_hour_that_comes_twice_the_one_of_the_receipt_is_meant(hour: int) -> None:
    received = datetime(2026, 10, 25, hour, 30, 5, tzinfo=UTC)
    now_us = int(received.timestamp()) * 1_000_000
    found = mapped(b'{"v":1,"t":"2026-10-25T02:30:00"}', time_path="t", now_us=now_us)
    assert found.moment_us == now_us - 5_000_000


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"v":1}', "The time is missing; allowed: ISO 8601"),
        (b'{"v":1,"t":"noon"}', "The time is 'noon'"),
        (b'{"v":1,"t":true}', "The time is True"),
        (b'{"v":1,"t":1e300}', "The time is 1e+300"),
        (b'{"v":1,"t":"0001-01-01T00:00:00"}', "at most two years old"),
        (b'{"v":1,"t":"1970-01-01T00:00:10"}', "at most two years old"),
        (b'{"v":1,"t":"2026-11-21T15:00:00"}', "at most an hour in the future"),
    ],
)
def test_a_wrong_time_is_refused(payload: bytes, reason: str) -> None:
    found = mapped(payload, time_path="t")
    assert found.outcome is Outcome.REFUSED
    assert reason in found.reason


def test_without_a_value_its_time_is_nobodys_concern() -> None:
    assert mapped(b'{"w":1}', time_path="t").outcome is Outcome.NOTHING


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (MappingSpec(name="x", topic="", rules=[]), "topic"),
        (MappingSpec(name="x", topic="a/#/b", rules=[]), "topic"),
        (MappingSpec(name="x", topic="a/b+", rules=[]), "topic"),
        (MappingSpec(name="x", topic="a/{B}", rules=[]), "topic"),
        (MappingSpec(name="x", topic="{a}/{a}", rules=[]), "topic"),
        (MappingSpec(name="x", topic="a" * 201, rules=[]), "topic"),
        (MappingSpec(name="x", topic="a", time_path="a..b", rules=[]), "time_path"),
        (MappingSpec(name="x", topic="a", rules=[Rule(quantity="humour")]), "rules[0].quantity"),
        (MappingSpec(name="x", topic="a", rules=[Rule(quantity="power_kw", unit="kWh")]), "rules[0].unit"),
        (MappingSpec(name="x", topic="a", rules=[Rule(quantity="power_kw", path="a[b]")]), "rules[0].path"),
        (MappingSpec(name="x", topic="a", rules=[Rule(quantity="power_kw", asset="{d}")]), "rules[0].asset"),
        (MappingSpec(name="x", topic="a", rules=[Rule(quantity="soc_percent", sign=PRODUCTION)]), "rules[0].sign"),
    ],
)
def test_a_wrong_mapping_names_its_field(spec: MappingSpec, field: str) -> None:
    with pytest.raises(MappingProblem) as error:
        compiled(spec)
    assert error.value.field == field


def test_filters_match_whole_levels() -> None:
    assert topic_filter("a/{x}/+/#").match("a/1/2/3/4") == {"x": "1"}
    assert topic_filter("a/+").match("a/b/c") is None
    assert topic_filter("a.c").match("abc") is None
    assert topic_filter("{x}").match("") is None


def test_paths_reach_names_elements_and_quoted_names() -> None:
    document = {"a": [{"b.c": 1}], "0": 2}
    assert value_at(document, read_path('a[0]["b.c"]')) == 1
    assert value_at(document, read_path("0")) == 2
    assert value_at(document, ()) is document
    for path in ("a[1]", "a.b", "b", 'a[0]["b"]'):
        assert value_at(document, read_path(path)) is ABSENT


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode), st.sampled_from(["", "v", "a.b[0]"]))
def test_whatever_comes_is_a_value_or_a_reason(payload: bytes, path: str) -> None:
    found = mapped(payload, path=path)
    assert found.outcome is Outcome.VALUE or found.reason
