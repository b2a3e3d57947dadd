"""How columns of files name channels: `[<site>/]<device>.<quantity>`, with `site` for the site itself."""

import re

from telemetry.engine.topics import SITE

CHANNEL = re.compile(r"(?P<device>.+)\.(?P<quantity>\w+)", re.DOTALL)
ALLOWED = "<site>/<device>.<quantity> or <site>/site.<quantity>"


def reading_column(name: str) -> tuple[str, str, str]:
    """Return site, device (empty for the site itself) and quantity of a column's name.

    Raises:
        ValueError: says what is allowed.
    """
    site, _, own = name.partition("/")
    found = CHANNEL.fullmatch(own)
    if found is None or not site:
        raise ValueError(f"the column is {name[:80]!r}; allowed: {ALLOWED}.")
    return site, "" if found["device"] == SITE else found["device"], found["quantity"]
