"""Home Assistant's announcements become proposals; templates are read, never run."""

import json
from typing import Any

import pytest

from telemetry.engine.discovery import Proposal, is_config, read_config, template_path

CONFIG: dict[str, Any] = {
    "name": "Power",
    "state_topic": "zigbee2mqtt/plug",
    "value_template": "{{ value_json.power }}",
    "unit_of_measurement": "W",
    "device_class": "power",
    "state_class": "measurement",
    "unique_id": "0x01_power",
}


def read(**changes: Any) -> Proposal | None:
    return read_config(json.dumps({**CONFIG, **changes}).encode(), "ext/a.gateway/")


def test_a_sensor_proposes_its_value() -> None:
    assert read() == Proposal(name="Power", topic="zigbee2mqtt/plug", path="power", quantity="power_kw", unit="W")


def test_a_meter_proposes_its_register() -> None:
    found = read(device_class="energy", unit_of_measurement="Wh")
    assert found is not None
    assert (found.quantity, found.unit) == ("import_register_kwh", "Wh")


def test_short_names_bases_and_prefixes_are_read() -> None:
    short = {"~": "ext/a.gateway/heat", "stat_t": "~/state", "dev_cla": "temperature", "unit_of_meas": "°C"}
    found = read_config(json.dumps({**short, "dev": {"name": "Outside"}}).encode(), "ext/a.gateway/")
    assert found == Proposal(name="Outside", topic="heat/state", path="", quantity="ambient_temperature_c", unit="°C")


@pytest.mark.parametrize(
    "changes",
    [
        {"device_class": "energy", "unit_of_measurement": "m³"},
        {"device_class": None},
        {"device_class": ["power"]},
        {"unit_of_measurement": "VA"},
        {"unit_of_measurement": {}},
        {"state_topic": ""},
        {"state_topic": 5},
        {"value_template": "{{ states('sensor.x') }}"},
    ],
)
def test_what_cannot_be_stored_is_not_proposed(changes: dict[str, Any]) -> None:
    assert read(**changes) is None


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b"1", b"[" * 5000, b" " * 70_000])
def test_what_is_no_configuration_proposes_nothing(payload: bytes) -> None:
    assert read_config(payload) is None


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{ value }}", ""),
        ("{{value_json.a}}", "a"),
        ("{{ value_json.a.b[0] }}", "a.b[0]"),
        ("{{ value_json['a b'].c }}", '["a b"].c'),
        ("{{ value_json.power | float }}", "power"),
        ("{{ value_json.power | float(0) }}", "power"),
        ("{{ value_json }}", None),
        ("{{ value_json.a * 2 }}", None),
        ("{{ value_json.a }} W", None),
        ("{% if value %}1{% endif %}", None),
        ("{{ value_json.__class__() }}", None),
        (7, None),
    ],
)
def test_templates_are_paths_or_nothing(template: object, path: str | None) -> None:
    assert template_path(template) == path


def test_only_topics_of_sensors_carry_configurations() -> None:
    assert is_config("homeassistant/sensor/node/object/config")
    assert is_config("homeassistant/sensor/object/config")
    for topic in ("homeassistant/switch/x/config", "homeassistant/sensor/x/state", "x/sensor/x/config"):
        assert not is_config(topic)
