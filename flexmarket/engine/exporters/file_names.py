"""File names for devices of any name."""

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 50


def file_stems(names: Iterable[str]) -> dict[str, str]:
    """Return for each device name a part of a file name that is safe everywhere and unlike the others.

    Letters, digits, "-" and "_" stay, all else becomes "_"; a number is added where two names would look the same,
    also to a file system that does not tell case.
    """
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", name)).strip("_")[:LONGEST] or "device"
        stem, number = plain, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{plain}-{number}"
        taken.add(stem.casefold())
        stems[name] = stem
    return stems
