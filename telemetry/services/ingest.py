"""Messages of devices into readings, dead letters and presences: decoded, checked, stored, and nothing lost for one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DataError, IntegrityError, transaction
from django_scopes import scopes_disabled

from telemetry.batches import ReadingBatch
from telemetry.engine.native import Refusal, read_native
from telemetry.models import DevicePresence
from telemetry.models.moments import moment_of
from telemetry.services.devices import note_presences
from telemetry.services.readings import Letter, Stored, store_readings
from telemetry.services.registry import Place, TopicRegistry, Unknown

STATES = {b"online": True, b"offline": False}
# What one message can cause; the rest of its batch is stored.
POISON = (DataError, IntegrityError, ValueError, OverflowError)
NOTHING = Stored(0, 0, 0)


@dataclass(slots=True)
class Message:
    """What came by a topic, and when (microseconds since 1970)."""

    topic: str
    payload: bytes
    received_us: int


class Decoded:
    """What messages mean: readings by column, letters, presences."""

    def __init__(self) -> None:
        self.channels: list[int] = []
        self.times_us: list[int] = []
        self.values: list[float] = []
        self.received_us: list[int] = []
        self.letters: list[Letter] = []
        self.presences: list[DevicePresence] = []

    @property
    def batch(self) -> ReadingBatch:
        """The readings."""
        return ReadingBatch.of(self.channels, self.times_us, self.values, self.received_us)


def decode(registry: TopicRegistry, messages: Sequence[Message]) -> Decoded:
    """Return what the messages mean; one that is wrong becomes a letter and touches no other."""
    found = Decoded()
    refused: list[Refusal] = []
    for message in messages:
        target = registry.targets.get(message.topic) or registry.find(message.topic)
        if isinstance(target, Unknown):
            found.letters.append(_letter(target.organization, message, target.reason, message.payload))
        elif isinstance(target, Place):
            _take_status(found, target, message)
        else:
            for moment_us, value in read_native(message.payload, target.quantity, message.received_us, refused):
                found.channels.append(target.channel)
                found.times_us.append(moment_us)
                found.values.append(value)
                found.received_us.append(message.received_us)
            if refused:
                found.letters += [_letter(target.organization, message, each.reason, each.raw) for each in refused]
                refused.clear()
    return found


def ingest(*, registry: TopicRegistry, messages: Sequence[Message]) -> Stored:
    """Store messages of any organizations in one transaction; return how many readings were new, known, refused.

    What the database itself refuses is found by halving the messages, and becomes a letter.

    Raises:
        OperationalError: while the database is away; the same messages may be given again.
    """
    with scopes_disabled():
        registry.refresh()
        return _store(registry, messages)


def _store(registry: TopicRegistry, messages: Sequence[Message]) -> Stored:
    if not messages:
        return NOTHING
    try:
        with transaction.atomic():
            found = decode(registry, messages)
            stored = store_readings(batch=found.batch, letters=found.letters)
            if found.presences:
                note_presences(presences=found.presences)
            return stored
    except POISON as error:
        if len(messages) == 1:
            (message,) = messages
            reason = f"It cannot be stored: {(str(error).splitlines() or [''])[0]}"
            letter = _letter(registry.find(message.topic).organization, message, reason, message.payload)
            return store_readings(batch=ReadingBatch.of([], [], [], []), letters=[letter])
    middle = len(messages) // 2
    first, second = _store(registry, messages[:middle]), _store(registry, messages[middle:])
    return Stored(first.new + second.new, first.known + second.known, first.refused + second.refused)


def _take_status(found: Decoded, place: Place, message: Message) -> None:
    online = STATES.get(message.payload.strip().lower())
    if online is None:
        reason = "The status is none of these; allowed: online, offline."
        found.letters.append(_letter(place.organization, message, reason, message.payload))
        return
    found.presences.append(
        DevicePresence(
            organization_id=place.organization,
            site_id=place.site,
            asset_id=place.asset,
            online=online,
            changed_at=moment_of(message.received_us),
        )
    )


def _letter(organization: int | None, message: Message, reason: str, raw: bytes) -> Letter:
    return Letter(organization, message.topic, reason, raw, message.received_us)
