"""Which topics mean which channels, of all organizations: the ingest's own list, loaded explicitly.

Nobody tells the bridge who published a message: the broker lets a credential publish below its own topics only. The
registry is the second fence. It holds the topics that an active credential of the topic's own organization covers;
everything else is refused, whatever the broker let through.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Max
from django_scopes import scopes_disabled

from assets.models import Asset
from flexplatform.accounts.models import Organization
from telemetry.engine.topics import (
    ANSWER,
    SETPOINT,
    STATUS,
    Topic,
    asset_level,
    read_mapped_topic,
    read_topic,
    topic_of,
)
from telemetry.models import Channel, DeviceCredential, Mapping
from telemetry.quantities import QUANTITIES
from telemetry.services.mapped_topics import MappedTopic, MappedTopics
from telemetry.services.recent import RecentBuffer
from telemetry.services.targets import AnswerTopic, OwnTopic, Place, Target, Unknown, target_of

SECONDS_BETWEEN_LOOKS = 5.0
SECONDS_BETWEEN_LOADS = 300.0
NAMES = ("organization_id", "organization__slug", "site_id", "site__slug")

Meaning = Target | Place | AnswerTopic | OwnTopic | MappedTopic | Unknown


@dataclass(eq=False)
class TopicRegistry:
    """Topics of all organizations; loaded again when channels or credentials change, and now and then."""

    targets: dict[str, Target] = field(default_factory=dict)
    places: dict[tuple[str, str, str], Place] = field(default_factory=dict)
    organizations: dict[str, int] = field(default_factory=dict)
    mapped: MappedTopics = field(default_factory=MappedTopics)
    recent: RecentBuffer = field(default_factory=RecentBuffer)
    changes: int = 0
    _unknown: dict[str, Unknown] = field(default_factory=dict)
    _print: tuple[object, ...] = ()
    _looked: float = float("-inf")
    _loaded: float = float("-inf")

    def refresh(self) -> None:
        """Load the topics again where something changed."""
        now = time.monotonic()
        if now - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        with scopes_disabled():
            found = _fingerprint()
            if found != self._print or now - self._loaded >= SECONDS_BETWEEN_LOADS:
                self._load()
                self.changes += found != self._print
                self._print, self._loaded = found, now
        self._unknown.clear()

    def find(self, topic: str) -> Meaning:
        """Return the channel of a topic, the place of a status topic, what else it is for, or why it means nothing.

        The channel of a quantity that a covered device can have is made by its first message.
        """
        target = self.targets.get(topic)
        if target is not None:
            return target
        if topic not in self._unknown:
            found = self._resolve(topic)
            if not isinstance(found, Unknown):
                return found
            self._unknown[topic] = found
        return self._unknown[topic]

    def _resolve(self, topic: str) -> Meaning:
        mapped = read_mapped_topic(topic)
        if mapped is not None:
            username, own = mapped
            owner = self.organizations.get(username.partition(".")[0])
            return self.mapped.find(username, own) or Unknown(owner, "No active credential publishes below this topic.")
        names = read_topic(topic)
        if names is None:
            return Unknown(None, "The topic is none of flex/v1/<organization>/<site>/<asset>/<quantity>.")
        owner = self.organizations.get(names.organization)
        if owner is None:
            return Unknown(None, f"The topic's organization {names.organization[:60]!r} does not exist.")
        if names.quantity == SETPOINT:
            return OwnTopic(owner)
        place = self.places.get((names.organization, names.site, names.asset))
        if place is None:
            return Unknown(owner, f"No active credential of {names.organization} covers the device of the topic.")
        if names.quantity == STATUS:
            return place
        if names.quantity == ANSWER and place.asset is not None:
            return AnswerTopic(owner, place.asset)
        return self._make(topic, names, place)

    def _make(self, topic: str, names: Topic, place: Place) -> Target | Unknown:
        target = target_of(place, names.quantity)
        if isinstance(target, Target):
            self.targets[topic] = target
        return target

    def _load(self) -> None:
        self.organizations = dict(Organization.objects.values_list("slug", "pk"))
        self.places = dict(_places())
        self.mapped.load()
        by_place = {(place.site, place.asset): names for names, place in self.places.items()}
        channels = Channel.objects.filter(quantity__in=list(QUANTITIES)).values_list(
            "pk", "organization_id", "site_id", "asset_id", "quantity"
        )
        self.targets = {
            topic_of(*names, quantity): Target(owner, pk, QUANTITIES[quantity])
            for pk, owner, site, asset, quantity in channels.iterator()
            if (names := by_place.get((site, asset))) is not None
        }


def _places() -> Iterator[tuple[tuple[str, str, str], Place]]:
    """Yield what active credentials cover, by the names of organization, site and device in a topic."""
    active = DeviceCredential.objects.filter(revoked_at=None)
    of_devices = active.filter(asset__isnull=False).values_list(*NAMES, "asset_id", "asset__name")
    of_sites = active.filter(asset=None)
    all_devices = Asset.objects.filter(site__in=of_sites.values("site")).values_list(
        "site__organization_id", "site__organization__slug", "site_id", "site__slug", "pk", "name"
    )
    for owner, slug, site, site_slug in of_sites.values_list(*NAMES):
        yield (slug, site_slug, ""), Place(owner, site, None)
    for rows in (all_devices, of_devices):
        for owner, slug, site, site_slug, asset, name in rows.iterator():
            yield (slug, site_slug, asset_level(name, asset)), Place(owner, site, asset)


def _fingerprint() -> tuple[object, ...]:
    credentials = DeviceCredential.objects.aggregate(Count("pk"), Max("changed_at"))
    channels = Channel.objects.aggregate(Count("pk"), Max("pk"))
    mappings = Mapping.objects.aggregate(Count("pk"), Max("changed_at"))
    return (*credentials.values(), *channels.values(), *mappings.values())
