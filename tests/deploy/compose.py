"""docker-compose.yml as compose reads it: anchors merged, variables put in."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from flexplatform.env import BASE_DIR

FILE = BASE_DIR / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")
GIVEN = {"ALLOWED_HOSTS": "flex.example.org"}
SECONDS = re.compile(r"(\d+)s")


@cache
def compose() -> dict[str, Any]:
    """Return the whole file.

    Raises:
        KeyError: for a variable that has no default and is not in `GIVEN`.
    """
    read: dict[str, Any] = yaml.safe_load(VARIABLE.sub(_value, FILE.read_text()))
    return read


def services() -> dict[str, dict[str, Any]]:
    """Return the services by name."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def secret_files() -> dict[str, Path]:
    """Return where each secret lies."""
    return {name: BASE_DIR / each["file"] for name, each in compose()["secrets"].items()}


def mounted(service: dict[str, Any]) -> dict[str, str]:
    """Return the secrets of a service by the path at which it sees them."""
    listed = [each if isinstance(each, dict) else {"source": each} for each in service.get("secrets", ())]
    return {each.get("target", f"/run/secrets/{each['source']}"): each["source"] for each in listed}


def grace_seconds(service: dict[str, Any]) -> int:
    """Return how long a service may take to end."""
    found = SECONDS.fullmatch(service["stop_grace_period"])
    assert found, service["stop_grace_period"]
    return int(found[1])


def ends_by_itself(service: dict[str, Any]) -> bool:
    """Tell whether a service does something once, and others wait for its end."""
    return bool(service["restart"] == "no")


def _value(found: "re.Match[str]") -> str:
    if found["kind"] == "-":
        return GIVEN.get(found["name"], found["rest"])
    return GIVEN[found["name"]]
