"""Messages of devices into readings, dead letters and presences: decoded, checked, stored, and nothing lost for one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DataError, IntegrityError, transaction
from django_scopes import scopes_disabled

from telemetry.batches import ReadingBatch
from telemetry.engine.discovery import is_config
from telemetry.engine.native import Refusal, read_native
from telemetry.engine.setpoints import read_answer
from telemetry.models import DevicePresence
from telemetry.models.moments import moment_of
from telemetry.services.devices import note_presences
from telemetry.services.mapped_topics import MappedTopic
from telemetry.services.proposals import Announcement, note_proposals
from telemetry.services.readings import Letter, Stored, store_readings
from telemetry.services.registry import TopicRegistry
from telemetry.services.setpoints import ReceivedAnswer, note_answers
from telemetry.services.targets import AnswerTopic, OwnTopic, Place, Unknown

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
    """What messages mean: readings by column, letters, presences, answers with their messages."""

    def __init__(self) -> None:
        self.channels: list[int] = []
        self.times_us: list[int] = []
        self.values: list[float] = []
        self.received_us: list[int] = []
        self.letters: list[Letter] = []
        self.presences: list[DevicePresence] = []
        self.announcements: list[Announcement] = []
        self.answers: list[tuple[ReceivedAnswer, Letter]] = []

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
        elif isinstance(target, MappedTopic):
            _take_mapped(found, target, message)
            registry.recent.note(target, message.payload, message.received_us)
        elif isinstance(target, AnswerTopic):
            _take_answer(found, target, message)
        elif isinstance(target, OwnTopic):
            continue
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
            if found.answers:
                found.letters += store_answers(found)
            stored = store_readings(batch=found.batch, letters=found.letters)
            if found.presences:
                note_presences(presences=found.presences)
            if found.announcements:
                note_proposals(announcements=found.announcements)
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
    found.presences.append(_presence(place, online, message))


def _presence(place: Place, online: bool, message: Message) -> DevicePresence:
    return DevicePresence(
        organization_id=place.organization,
        site_id=place.site,
        asset_id=place.asset,
        online=online,
        changed_at=moment_of(message.received_us),
    )


def store_answers(found: Decoded) -> list[Letter]:
    """Store the answers among what messages mean; return those that are about no set-point of their device."""
    strange = note_answers(answers=[answer for answer, _ in found.answers])
    return [letter for answer, letter in found.answers if any(answer is each for each in strange)]


def _take_answer(found: Decoded, target: AnswerTopic, message: Message) -> None:
    answer = read_answer(message.payload)
    if isinstance(answer, str):
        found.letters.append(_letter(target.organization, message, answer, message.payload))
        return
    received = ReceivedAnswer(target.asset, answer, moment_of(message.received_us))
    reason = f"id is {answer.id}; allowed: that of a set-point of this device."
    found.answers.append((received, _letter(target.organization, message, reason, message.payload)))


def _take_mapped(found: Decoded, topic: MappedTopic, message: Message) -> None:
    if is_config(topic.topic):
        found.announcements.append(Announcement(topic.source, topic.topic, message.payload))
        return
    refused: list[str] = []
    for target, moment_us, value in topic.read(message.payload, message.received_us, refused):
        if isinstance(target, Place):
            found.presences.append(_presence(target, bool(value), message))
            continue
        found.channels.append(target.channel)
        found.times_us.append(moment_us)
        found.values.append(value)
        found.received_us.append(message.received_us)
    if refused:
        # Several rules say the same of a payload that is wrong as a whole.
        reason = " ".join(dict.fromkeys(refused))
        found.letters.append(_letter(topic.organization, message, reason, message.payload))


def _letter(organization: int | None, message: Message, reason: str, raw: bytes) -> Letter:
    return Letter(organization, message.topic, reason, raw, message.received_us)
