"""Home Assistant's discovery: what a device says of its own values, as a proposal for a person to accept.

Of its templates only `value_json.path` and `value` are taken: anything else would have to be run.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from telemetry.engine.native import LARGEST_PAYLOAD
from telemetry.engine.paths import read_path
from telemetry.quantities import QUANTITIES

PREFIX = "homeassistant"
CONFIGS = re.compile(rf"{PREFIX}/sensor/(?:[^/]+/)?[^/]+/config")
TEMPLATE = re.compile(
    r"\{\{\s*value(?P<json>_json(?P<path>(?:\.\w+|\[\d+\]|\[\s*'[^'\"\]]+'\s*\])*))?\s*"
    r"(?:\|\s*(?:float|int)(?:\(\s*0?\s*\))?\s*)?\}\}"
)
ELEMENT = re.compile(r"\[\s*'([^'\"\]]+)'\s*\]")
# Its own short names, which most devices use.
SHORT = {
    "stat_t": "state_topic",
    "val_tpl": "value_template",
    "unit_of_meas": "unit_of_measurement",
    "dev_cla": "device_class",
    "uniq_id": "unique_id",
    "dev": "device",
}
QUANTITY_OF = {
    "power": "power_kw",
    "energy": "import_register_kwh",
    "battery": "soc_percent",
    "temperature": "ambient_temperature_c",
    "irradiance": "irradiance_w_per_m2",
    "wind_speed": "wind_speed_m_per_s",
}
LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A value that a device offers: where it comes and, as far as that is known, what it is."""

    name: str
    topic: str
    path: str
    quantity: str
    unit: str


def is_config(topic: str) -> bool:
    """Return whether a topic carries a configuration of a sensor."""
    return CONFIGS.fullmatch(topic) is not None


def read_config(payload: bytes, prefix: str = "") -> Proposal | None:
    """Return what a configuration proposes; None where it proposes nothing that can be stored here.

    `prefix` is taken off the topic that it names, where that begins with it.
    """
    config = _config(payload)
    quantity = QUANTITIES.get(QUANTITY_OF.get(str(config.get("device_class")), ""))
    unit = str(config.get("unit_of_measurement", ""))
    path = template_path(config.get("value_template", "{{ value }}"))
    topic = _absolute(config.get("state_topic"), config.get("~"))
    if quantity is None or unit not in quantity.units or path is None or not topic:
        return None
    name = config.get("name") or _device_name(config) or topic
    return Proposal(
        name=str(name)[:LONGEST], topic=topic.removeprefix(prefix), path=path, quantity=quantity.name, unit=unit
    )


def template_path(template: Any) -> str | None:
    """Return the path that a template takes its value from; None for a template that does more than that."""
    found = TEMPLATE.fullmatch(template.strip()) if isinstance(template, str) else None
    if found is None:
        return None
    path = ELEMENT.sub(r'["\1"]', found["path"] or "").removeprefix(".")
    try:
        read_path(path)
    except ValueError:
        return None
    # Without a path it would be the whole document.
    return None if found["json"] and not path else path


def _config(payload: bytes) -> dict[str, Any]:
    if len(payload) > LARGEST_PAYLOAD:
        return {}
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {SHORT.get(str(name), str(name)): value for name, value in found.items()}


def _absolute(topic: Any, base: Any) -> str:
    """Return a topic with the base that `~` stands for."""
    if not isinstance(topic, str) or not 0 < len(topic) <= LONGEST or "\0" in topic:
        return ""
    if isinstance(base, str) and topic.startswith("~"):
        return base + topic[1:]
    if isinstance(base, str) and topic.endswith("~"):
        return topic[:-1] + base
    return topic


def _device_name(config: dict[str, Any]) -> str:
    device = config.get("device")
    name = device.get("name") if isinstance(device, dict) else ""
    return name if isinstance(name, str) else ""
