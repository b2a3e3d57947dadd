"""The last message of each topic below `ext/`, for the people who write mappings: few, small, written now and then."""

from typing import TYPE_CHECKING

from django.db import transaction

from telemetry.models import DeviceCredential, RecentMessage
from telemetry.models.mappings import LONGEST_RECENT
from telemetry.models.moments import moment_of

if TYPE_CHECKING:
    from telemetry.services.mapped_topics import MappedTopic

MOST_WAITING = 2000
MOST_PER_ORGANIZATION = 200
LONGEST_TOPIC = 200


class RecentBuffer:
    """What came since it was stored last; a topic that does not find room waits for its next message."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], RecentMessage] = {}

    def note(self, topic: "MappedTopic", payload: bytes, received_us: int) -> None:
        """Keep a message as the last one of its topic."""
        source = topic.source
        key = (source.credential, topic.topic)
        if len(topic.topic) > LONGEST_TOPIC or (len(self._rows) >= MOST_WAITING and key not in self._rows):
            return
        self._rows[key] = RecentMessage(
            organization_id=source.organization,
            credential_id=source.credential,
            topic=topic.topic,
            payload=payload[:LONGEST_RECENT],
            size=len(payload),
            received_at=moment_of(received_us),
        )

    def take(self) -> list[RecentMessage]:
        """Return what was kept, which then is kept no more."""
        rows, self._rows = list(self._rows.values()), {}
        return rows


@transaction.atomic
def store_recent(*, messages: list[RecentMessage]) -> None:
    """Store last messages of any organizations; of each the newest few topics stay."""
    known = set(
        DeviceCredential.objects.filter(pk__in={each.credential_id for each in messages}).values_list("pk", flat=True)
    )
    RecentMessage.objects.bulk_create(
        [each for each in messages if each.credential_id in known],
        update_conflicts=True,
        unique_fields=["credential", "topic"],
        update_fields=["payload", "size", "received_at"],
    )
    for organization in {each.organization_id for each in messages}:
        own = RecentMessage.objects.filter(organization=organization).order_by("-received_at", "-pk")
        surplus = list(own.values_list("pk", flat=True)[MOST_PER_ORGANIZATION : MOST_PER_ORGANIZATION + MOST_WAITING])
        if surplus:
            RecentMessage.objects.filter(pk__in=surplus).delete()
