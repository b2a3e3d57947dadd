"""Where a value stands in a JSON document: names joined by dots, `[0]` for an element, `["a.b"]` for any name."""

import re
from typing import Any

LONGEST_PATH = 200
STEP = re.compile(r'(?:^|\.)(?P<name>[^.\[\]"]+)|\[(?P<index>\d{1,4})\]|\["(?P<quoted>[^"]+)"\]')
ALLOWED = 'names joined by dots, [0] for an element, ["a.b"] for a name with dots'

Path = tuple[str | int, ...]


class Absent:
    """What stands nowhere: unlike null, which stands somewhere and says nothing."""


ABSENT = Absent()


def read_path(text: str) -> Path:
    """Return the steps of a path; none for an empty one, which is the document itself.

    Raises:
        ValueError: says what is allowed.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = STEP.match(text, at)
        if found is None or len(text) > LONGEST_PATH:
            raise ValueError(f"the path is {text[:80]!r}; allowed: {ALLOWED}.")
        steps.append(int(found["index"]) if found["index"] else found["name"] or found["quoted"])
        at = found.end()
    return tuple(steps)


def value_at(document: Any, path: Path) -> Any:
    """Return what stands at a path; `ABSENT` where nothing does."""
    for step in path:
        inside = step in document if isinstance(document, dict) else _has(document, step)
        if not inside:
            return ABSENT
        document = document[step]
    return document


def _has(document: Any, step: str | int) -> bool:
    return isinstance(document, list) and isinstance(step, int) and step < len(document)
