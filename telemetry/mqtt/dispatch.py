"""Set-points on their way out: what the table says is published, and the broker's receipt is stored.

The table is the outbox. A set-point is queued in the transaction of the plan that wants it, published after that, and
`sent` once the broker has acknowledged it; whatever happens in between, it is published again under the same id.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django_scopes import scopes_disabled

from telemetry.engine.setpoints import payload_of
from telemetry.engine.topics import SETPOINT, asset_level, topic_of
from telemetry.models import Setpoint
from telemetry.mqtt.link import Link, Outgoing
from telemetry.services.setpoints import expire_setpoints, note_sent, note_withdrawn

MOST_IN_FLIGHT = 500
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_AFTER_A_REFUSAL = 10.0
NAMES = ("site__organization", "asset")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sending:
    """What a message on its way is about."""

    setpoint: int
    withdrawal: bool


class Dispatcher:
    """Publishes by one link; a new link has a new dispatcher."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._in_flight: set[Sending] = set()
        self._done: list[tuple[Sending, bool]] = []
        self._sessions_seen = 0
        self._looked = float("-inf")

    def step(self) -> None:
        """Store what the broker has, then publish what it lacks; at most twice a second.

        Raises:
            OperationalError: while the database is away; the next call goes on.
        """
        now = time.monotonic()
        if now - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        with scopes_disabled():
            self._note_published()
            expire_setpoints()
            if self._link.state.connected:
                self._send_withdrawals()
                self._send(self._queued())
                self._send_again()

    def _note_published(self) -> None:
        self._done += self._link.published()
        if not self._done:
            return
        taken = [sending for sending, well in self._done if well]
        note_sent(setpoints=[each.setpoint for each in taken if not each.withdrawal])
        note_withdrawn(setpoints=[each.setpoint for each in taken if each.withdrawal])
        self._in_flight.difference_update(sending for sending, _ in self._done)
        if len(taken) < len(self._done):
            self._looked += SECONDS_AFTER_A_REFUSAL
        self._done = []

    def _queued(self) -> "QuerySet[Setpoint]":
        return Setpoint.objects.filter(state=Setpoint.State.QUEUED).order_by("pk")

    def _send_again(self) -> None:
        """Publish everything that is live after the broker has lost its memory."""
        sessions = self._link.state.sessions
        if sessions == self._sessions_seen:
            return
        told = (Setpoint.State.SENT, Setpoint.State.ACKNOWLEDGED)
        live = Setpoint.objects.filter(state__in=told, valid_until__gt=timezone.now()).order_by("pk")
        self._send(live, most=None)
        self._sessions_seen = sessions

    def _send(self, rows: "QuerySet[Setpoint]", most: int | None = MOST_IN_FLIGHT) -> None:
        waiting = {each.setpoint for each in self._in_flight if not each.withdrawal}
        room = None if most is None else max(most - len(self._in_flight), 0)
        found = rows.exclude(pk__in=waiting).select_related(*NAMES)[:room]
        for setpoint in found:
            payload = payload_of(setpoint.message_id, setpoint.issued_at, setpoint.steps)
            left = max((setpoint.valid_until - timezone.now()) // timedelta(seconds=1), 1)
            self._publish(Sending(setpoint.pk, withdrawal=False), _topic(setpoint), payload, left)

    def _send_withdrawals(self) -> None:
        rows = Setpoint.objects.filter(withdrawal=True).select_related(*NAMES).order_by("pk")[:MOST_IN_FLIGHT]
        for setpoint in rows:
            sending = Sending(setpoint.pk, withdrawal=True)
            if sending not in self._in_flight:
                self._publish(sending, _topic(setpoint), b"", None)

    def _publish(self, sending: Sending, topic: str, payload: bytes, seconds: int | None) -> None:
        self._in_flight.add(sending)
        self._link.publish(Outgoing(topic, payload, sending, seconds))


def _topic(setpoint: Setpoint) -> str:
    site, asset = setpoint.site, setpoint.asset
    return topic_of(site.organization.slug, site.slug, asset_level(asset.name, asset.pk), SETPOINT)
