"""From the broker into the database, and set-points back: what is acknowledged is stored, what is not comes again."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.operations import alive
from telemetry.models import BridgeState
from telemetry.mqtt.address import BrokerAddress
from telemetry.mqtt.dispatch import Dispatcher
from telemetry.mqtt.link import Link, LinkOptions, LinkState, Taken
from telemetry.mqtt.lock import Lock
from telemetry.services.ingest import ingest
from telemetry.services.readings import Stored
from telemetry.services.recent import store_recent
from telemetry.services.registry import TopicRegistry

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 5.0
SECONDS_BETWEEN_BEATS = 5.0
SECONDS_BETWEEN_TRIES = 1.0
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_BE_STUCK = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BridgeOptions:
    """How much is stored at once, and how long a message waits for others."""

    batch: int = 2000
    flush_seconds: float = 0.2
    acknowledge_first: bool = False


class Bridge:
    """Stores what the link brings while it holds the lock; otherwise it waits for the lock.

    `changed` is called whenever credentials or channels changed, with the registry loaded.
    """

    def __init__(
        self,
        address: BrokerAddress,
        link_options: LinkOptions,
        options: BridgeOptions,
        lock: Lock,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self.address, self.link_options, self.options, self.lock = address, link_options, options, lock
        self.registry = TopicRegistry()
        self.stopping = threading.Event()
        self._changed, self._changes_seen = changed, 0
        self.stored = Stored(0, 0, 0)
        self._received, self._beat = 0, float("-inf")
        self._started = timezone.now()
        self._committed_at: float | None = None
        # When something was stored last, or nothing waited.
        self._moved = time.monotonic()

    def run(self) -> None:
        """Serve, or stand by, until `stopping` is set."""
        waiting = False
        while not self.stopping.is_set():
            if self.lock.acquire():
                waiting = False
                try:
                    self._serve()
                finally:
                    self.lock.release()
            else:
                if not waiting:
                    log.warning("Another bridge is active, or the database is away; this one stands by.")
                waiting = True
                alive.note(alive.BRIDGE)
            self.stopping.wait(SECONDS_BETWEEN_TRIES)

    def _serve(self) -> None:
        try:
            _make_durable()
            self._note_changes()
        except (OperationalError, InterfaceError) as error:
            log.warning("The database is away (%s).", _line(error))
            connection.close()
            return
        link = Link(self.address, self.link_options)
        link.start()
        log.warning("The bridge is active: %s at %s.", self.link_options.client_id, self.address.host)
        dispatcher = Dispatcher(link)
        looked = time.monotonic()
        try:
            while not self.stopping.is_set() and link.alive():
                self._store(link, link.take(self.options.batch, SECONDS_BETWEEN_LOOKS, self.options.flush_seconds))
                self._dispatch(dispatcher)
                if time.monotonic() - looked >= SECONDS_BETWEEN_TRIES:
                    looked = time.monotonic()
                    if not self.lock.held() and not self.lock.acquire():
                        log.warning("The lock is lost; the bridge stands by.")
                        return
                    self._look_around(link)
            link.pause()
            while self.stopping.is_set() and (left := link.take(self.options.batch, 0, 0)):
                self._store(link, left, patient=False)
        finally:
            link.stop()
            self._say_goodbye()

    def _store(self, link: Link, taken: Sequence[Taken], *, patient: bool = True) -> None:
        """Store messages, then acknowledge them; while the database is away, try again."""
        if not taken:
            return
        if self.options.acknowledge_first:
            link.acknowledge(taken)
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                stored = ingest(registry=self.registry, messages=[each.message for each in taken])
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away (%s); %d messages wait.", _line(error), len(taken))
                connection.close()
                if self.stopping.wait(wait) or not patient:
                    return
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                break
        self._committed_at, self._moved = time.time(), time.monotonic()
        if not self.options.acknowledge_first:
            link.acknowledge(taken)
        total = self.stored
        self.stored = Stored(total.new + stored.new, total.known + stored.known, total.refused + stored.refused)

    def _dispatch(self, dispatcher: Dispatcher) -> None:
        try:
            dispatcher.step()
        except (OperationalError, InterfaceError) as error:
            log.warning("The database is away (%s).", _line(error))
            connection.close()

    def _look_around(self, link: Link) -> None:
        """Note changes of channels and credentials, and say how the bridge is."""
        try:
            self._note_changes()
            with scopes_disabled():
                if messages := self.registry.recent.take():
                    store_recent(messages=messages)
            if time.monotonic() - self._beat >= SECONDS_BETWEEN_BEATS:
                self._say(link)
        except (OperationalError, InterfaceError) as error:
            log.warning("The database is away (%s).", _line(error))
            connection.close()

    def _note_changes(self) -> None:
        self.registry.refresh()
        if self.registry.changes != self._changes_seen:
            self._changed()
            self._changes_seen = self.registry.changes

    def _say(self, link: Link) -> None:
        state, now = link.state, time.monotonic()
        rate = (state.received - self._received) / (now - self._beat) if self._beat > 0 else 0.0
        self._received, self._beat = state.received, now
        committed = self._committed_at
        values = {
            "host": socket.gethostname()[:100],
            "process": os.getpid(),
            "started_at": self._started,
            "beat_at": timezone.now(),
            "connected": state.connected,
            "last_commit_at": datetime.fromtimestamp(committed, UTC) if committed else None,
            "queued": state.queued,
            "messages_per_second": round(rate, 1),
            "stored": self.stored.new,
            "known": self.stored.known,
            "refused": self.stored.refused,
            "problem": self._problem(state)[:300],
        }
        BridgeState.objects.update_or_create(client_id=self.link_options.client_id, defaults=values)
        alive.note(alive.BRIDGE)
        age = "never" if committed is None else f"{time.time() - committed:.1f} s ago"
        log.info(
            "%.0f messages/s, %d queued, last commit %s; %d stored, %d known, %d refused in all.",
            rate,
            state.queued,
            age,
            self.stored.new,
            self.stored.known,
            self.stored.refused,
        )

    def _problem(self, state: LinkState) -> str:
        """Return what keeps messages from being stored; one that came just now is no problem."""
        now = time.monotonic()
        if not state.queued:
            self._moved = now
        stuck = now - self._moved > SECONDS_TO_BE_STUCK
        return state.refused or (f"{state.queued} messages wait, and none was stored for a minute" if stuck else "")

    def _say_goodbye(self) -> None:
        try:
            BridgeState.objects.filter(client_id=self.link_options.client_id, process=os.getpid()).delete()
        except (OperationalError, InterfaceError):
            connection.close()


def _make_durable() -> None:
    """Let SQLite write to the disk before it says that a batch is stored, as PostgreSQL does."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=FULL")


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
