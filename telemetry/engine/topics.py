"""Native topics: `flex/v1/<organization>/<site>/<asset>/<quantity>`; the asset `site` is the site itself.

Devices with topics of their own publish below `ext/<user name>/`, where mappings say what their messages mean.
"""

import re
from dataclasses import dataclass

PREFIX = "flex/v1"
SITE = "site"
STATUS = "status"
# What a device is told, written by the platform only; and its answer.
SETPOINT, ANSWER = "setpoint", "ack"
EVERY_READING = f"{PREFIX}/+/+/+/+"
LEVELS = 6
MAPPED = "ext"
EVERY_MAPPED = f"{MAPPED}/#"
# A name that can stand in a topic as it is; a number would be taken for an id.
PLAIN = re.compile(r"(?=.*[A-Za-z_.-])[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True)
class Topic:
    """The names in a native topic; `asset` is empty for the site itself.

    `quantity` may be `status`, `setpoint` or `ack` too.
    """

    organization: str
    site: str
    asset: str
    quantity: str


def read_topic(topic: str) -> Topic | None:
    """Return the names in a topic; None where it is no native one."""
    levels = topic.split("/")
    if len(levels) != LEVELS or "/".join(levels[:2]) != PREFIX or not all(levels) or "\0" in topic:
        return None
    return Topic(levels[2], levels[3], "" if levels[4] == SITE else levels[4], levels[5])


def asset_level(name: str, pk: int) -> str:
    """Return how a topic names a device: by its name where that can stand in a topic, else by its id."""
    return name if PLAIN.fullmatch(name) and name != SITE else str(pk)


def topic_of(organization: str, site: str, asset: str, quantity: str) -> str:
    """Return the topic of a quantity of a device, or of the site where `asset` is empty."""
    return "/".join((PREFIX, organization, site, asset or SITE, quantity))


def mapped_prefix(username: str) -> str:
    """Return what a credential's own topics begin with."""
    return f"{MAPPED}/{username}/"


def read_mapped_topic(topic: str) -> tuple[str, str] | None:
    """Return the user name and the device's own topic; None where it is none of these."""
    prefix, _, rest = topic.partition("/")
    username, _, own = rest.partition("/")
    return (username, own) if prefix == MAPPED and username and own and "\0" not in topic else None
