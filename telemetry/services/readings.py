"""The one way of readings into the tables, whichever door they came by."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, router, transaction

from telemetry.batches import ReadingBatch
from telemetry.models import DeadLetter
from telemetry.models.moments import moment_of
from telemetry.models.readings import LONGEST_RAW
from telemetry.writers import write

LONGEST_TEXT = 500
LETTER = """
INSERT INTO telemetry_deadletter (organization_id, digest, source, reason, raw, size, count, first_at, last_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (digest) DO UPDATE SET count = telemetry_deadletter.count + excluded.count, last_at = excluded.last_at,
    reason = excluded.reason
"""


@dataclass(frozen=True)
class Letter:
    """A message, or a part of one, that is refused: where it came from, why, and when (microseconds since 1970)."""

    organization: int | None
    source: str
    reason: str
    raw: bytes
    received_us: int

    @property
    def digest(self) -> bytes:
        """What is the same for the same content from the same source."""
        return hashlib.sha256(self.source.encode(errors="replace") + b"\0" + self.raw).digest()


@dataclass(frozen=True)
class Stored:
    """How many readings were new, how many were there already, and how many messages were refused."""

    new: int
    known: int
    refused: int


@transaction.atomic
def store_readings(*, batch: ReadingBatch, letters: Sequence[Letter] = ()) -> Stored:
    """Store readings of any organizations with what was refused beside them, in one transaction.

    The caller has proven that each channel belongs to the sender. A reading whose channel and time are known changes
    nothing, so that the same batch may be stored again.
    """
    ordered = batch.ordered()
    new = write(ordered)
    _store_letters(letters)
    return Stored(new, len(batch) - new, len(letters))


def _store_letters(letters: Iterable[Letter]) -> None:
    by_digest: dict[bytes, list[Letter]] = {}
    for letter in letters:
        by_digest.setdefault(letter.digest, []).append(letter)
    if not by_digest:
        return
    connection: Any = connections[router.db_for_write(DeadLetter)]
    # In the order of their keys, so that two writers never wait for each other.
    rows = [_row(connection, digest, same) for digest, same in sorted(by_digest.items())]
    with connection.cursor() as cursor:
        cursor.executemany(LETTER, rows)


def _row(connection: Any, digest: bytes, same: Sequence[Letter]) -> tuple[Any, ...]:
    last = same[-1]
    at = DeadLetter._meta.get_field("last_at")
    first_us, last_us = same[0].received_us, last.received_us
    moments = [at.get_db_prep_value(moment_of(each), connection) for each in (first_us, last_us)]
    texts = [text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST_TEXT] for text in (last.source, last.reason)]
    return (last.organization, digest, *texts, last.raw[:LONGEST_RAW], len(last.raw), len(same), *moments)
