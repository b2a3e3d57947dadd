"""What a mapping would make of the messages that came last; nothing is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from assets.models import Asset
from flexplatform.accounts.models import Organization
from telemetry.engine.mapping import CompiledMapping, CompiledRule, MappingSpec, Outcome, Result, compiled
from telemetry.engine.topics import SITE
from telemetry.models import DeviceCredential, RecentMessage
from telemetry.models.moments import microseconds, moment_of
from telemetry.services.mapped_topics import MappedTopics
from telemetry.services.recent import MOST_PER_ORGANIZATION
from telemetry.services.references import Reference, ReferenceProblem, directory_of
from telemetry.services.targets import Place, Unknown

MOST_MESSAGES = 20
LONGEST_SHOWN = 300


@dataclass(frozen=True)
class PreviewLine:
    """What a rule makes of a message: a value for a channel, or why there is none."""

    outcome: str
    channel: str = ""
    value: float | None = None
    unit: str = ""
    moment: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class PreviewMessage:
    """A message that came, and what the rules make of it; no lines where its topic passes no filter."""

    topic: str
    username: str
    text: str
    received_at: datetime
    lines: tuple[PreviewLine, ...]


def preview_mapping(
    *, organization: Organization, spec: MappingSpec, credential: DeviceCredential | None = None
) -> list[PreviewMessage]:
    """Return the organization's last messages, those first that the mapping takes.

    Raises:
        MappingProblem: where the mapping is none.
    """
    preview = _Preview(organization, compiled(spec))
    messages = RecentMessage.objects.filter(organization=organization).select_related("credential")
    if credential is not None:
        messages = messages.filter(credential=credential)
    taken: list[PreviewMessage] = []
    others: list[PreviewMessage] = []
    for message in messages.order_by("-received_at")[:MOST_PER_ORGANIZATION]:
        lines = list(preview.lines(message))
        (taken if lines else others).append(_shown(message, lines))
        if len(taken) == MOST_MESSAGES:
            break
    return [*taken, *others][:MOST_MESSAGES]


class _Preview:
    def __init__(self, organization: Organization, mapping: CompiledMapping) -> None:
        self.organization, self.mapping = organization, mapping
        self.known = MappedTopics()
        self.known.load()
        self.channels: dict[tuple[Place, str], str | Unknown] = {}

    def lines(self, message: RecentMessage) -> Iterator[PreviewLine]:
        """Yield what the rules make of a message; nothing where its topic passes no filter."""
        source = self.known.sources.get(message.credential.username)
        names = self.mapping.topic.match(message.topic)
        if source is None or names is None:
            return
        results = self.mapping.read(bytes(message.payload), microseconds(message.received_at), source.zone)
        for rule, result in zip(self.mapping.rules, results, strict=True):
            yield self._line(rule, result, source.place(rule.asset(names)))

    def _line(self, rule: CompiledRule, result: Result, place: Place | Unknown) -> PreviewLine:
        channel: str | Unknown = ""
        if result.outcome is Outcome.VALUE:
            channel = place if isinstance(place, Unknown) else self._meaning(place, rule)
        if isinstance(channel, Unknown):
            return PreviewLine(Outcome.REFUSED, reason=channel.reason)
        if not channel:
            return PreviewLine(result.outcome, reason=result.reason)
        return PreviewLine(
            result.outcome,
            channel=channel,
            value=result.value,
            unit=rule.quantity.unit,
            moment=moment_of(result.moment_us),
        )

    def _meaning(self, place: Place, rule: CompiledRule) -> str | Unknown:
        if rule.tells_status:
            device = Asset.objects.filter(pk=place.asset).first() if place.asset else None
            return f"{device.name if device else SITE}.{rule.quantity.name}"
        return self._channel(place, rule.quantity.name)

    def _channel(self, place: Place, quantity: str) -> str | Unknown:
        """Return the name of the channel that a value is of, without making it."""
        if (place, quantity) not in self.channels:
            reference = Reference(site=place.site, asset=place.asset, quantity=quantity)
            try:
                found = directory_of(self.organization, [reference]).channel(reference)
                self.channels[place, quantity] = str(found)
            except ReferenceProblem as problem:
                self.channels[place, quantity] = Unknown(self.organization.pk, str(problem))
        return self.channels[place, quantity]


def _shown(message: RecentMessage, lines: list[PreviewLine]) -> PreviewMessage:
    return PreviewMessage(
        message.topic, message.credential.username, message.text[:LONGEST_SHOWN], message.received_at, tuple(lines)
    )
