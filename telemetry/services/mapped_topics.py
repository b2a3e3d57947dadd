"""Topics below `ext/<user name>/`: whose they are, and what the mappings of that organization make of them.

A credential reaches its own devices only: a mapping that names another one is refused for that message.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo

from assets.models import Asset
from telemetry.engine.mapping import CompiledMapping, MappingProblem, Outcome, compiled
from telemetry.engine.topics import SITE
from telemetry.models import DeviceCredential
from telemetry.models import Mapping as MappingRow
from telemetry.services.targets import Place, Target, Unknown, target_of

MOST_KNOWN = 20_000


@dataclass(frozen=True)
class Source:
    """A credential that publishes, and the devices that it covers by name."""

    organization: int
    credential: int
    username: str
    site: int
    asset: int | None
    asset_name: str
    zone: tzinfo
    assets: Mapping[str, int]

    def place(self, name: str) -> Place | Unknown:
        """Return the device of a name; what the credential is for where the name is empty."""
        if self.asset is not None:
            if name in ("", self.asset_name):
                return Place(self.organization, self.site, self.asset)
            return Unknown(self.organization, f"device is {name[:60]!r}; the credential is for {self.asset_name}.")
        if name in ("", SITE):
            return Place(self.organization, self.site, None)
        if name not in self.assets:
            allowed = ", ".join(sorted(self.assets)[:20]) or "none, as the site has no devices"
            return Unknown(self.organization, f"device is {name[:60]!r}; allowed: {allowed}.")
        return Place(self.organization, self.site, self.assets[name])


@dataclass(eq=False)
class Binding:
    """A mapping for a topic, with the channel of each rule once it had a value."""

    mapping: CompiledMapping
    names: Mapping[str, str]
    targets: dict[int, Target | Place | Unknown] = field(default_factory=dict)

    def target(self, source: Source, index: int) -> Target | Place | Unknown:
        """Return the channel of a rule; the device itself where the rule tells its status."""
        found = self.targets.get(index)
        if found is None:
            rule = self.mapping.rules[index]
            place = source.place(rule.asset(self.names))
            found = place if isinstance(place, Unknown) or rule.tells_status else target_of(place, rule.quantity.name)
            self.targets[index] = found
        return found


@dataclass(eq=False)
class MappedTopic:
    """A topic of a credential; without bindings nobody wants what comes by it."""

    source: Source
    topic: str
    bindings: list[Binding]

    @property
    def organization(self) -> int:
        """Whose topic it is."""
        return self.source.organization

    def read(self, payload: bytes, received_us: int, refused: list[str]) -> Iterator[tuple[Target | Place, int, float]]:
        """Yield (what it is of, microseconds since 1970, value); what is wrong is added to `refused`.

        Of a channel it is a reading; of a place 1 or 0 for whether the device is connected.
        """
        for binding in self.bindings:
            results = binding.mapping.read(payload, received_us, self.source.zone)
            for index, result in enumerate(results):
                if result.outcome is Outcome.REFUSED:
                    refused.append(result.reason)
                elif result.outcome is Outcome.VALUE:
                    target = binding.target(self.source, index)
                    if isinstance(target, Unknown):
                        refused.append(target.reason)
                    else:
                        yield target, result.moment_us, result.value


class MappedTopics:
    """The credentials and mappings of all organizations, or of the one whose scope it is loaded in."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self._mappings: dict[tuple[int, int | None], list[CompiledMapping]] = {}
        self._known: dict[tuple[str, str], MappedTopic] = {}

    def load(self) -> None:
        """Load them anew."""
        self._known.clear()
        self.sources = dict(_sources())
        self._mappings = defaultdict(list)
        for row in MappingRow.objects.filter(is_active=True).prefetch_related("rules"):
            # A mapping that its quantities have changed under is passed over; its form says what is wrong.
            with suppress(MappingProblem):
                self._mappings[(row.organization_id, row.credential_id)].append(compiled(row.spec(row.rules.all())))

    def find(self, username: str, topic: str) -> MappedTopic | None:
        """Return what a credential's topic means; None where there is no such active credential."""
        key = (username, topic)
        if key not in self._known:
            source = self.sources.get(username)
            if source is None:
                return None
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = MappedTopic(source, topic, list(self._bindings(source, topic)))
        return self._known[key]

    def _bindings(self, source: Source, topic: str) -> Iterator[Binding]:
        for credential in (source.credential, None):
            for each in self._mappings.get((source.organization, credential), ()):
                names = each.topic.match(topic)
                if names is not None:
                    yield Binding(each, names)


def _sources() -> Iterator[tuple[str, Source]]:
    credentials = DeviceCredential.objects.filter(revoked_at=None).select_related("site", "asset")
    devices: dict[int, dict[str, int]] = defaultdict(dict)
    for site, name, pk in Asset.objects.filter(site__in=credentials.values("site")).values_list("site", "name", "pk"):
        devices[site][name] = pk
    for each in credentials:
        name = each.asset.name if each.asset else ""
        yield (
            each.username,
            Source(
                organization=each.organization_id,
                credential=each.pk,
                username=each.username,
                site=each.site_id,
                asset=each.asset_id,
                asset_name=name,
                zone=each.site.zone,
                assets=devices[each.site_id],
            ),
        )
