"""Which workers there are: each notes that it is alive, and the health check looks at when."""

import logging
import time
from datetime import timedelta

from celery.exceptions import CeleryError
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from kombu.exceptions import KombuError

from flexplatform.celery import app
from flexplatform.jobs.models import Worker

log = logging.getLogger(__name__)

SECONDS_BETWEEN_NOTES = 10.0
SECONDS_TO_ANSWER = 2
FORGOTTEN_AFTER = timedelta(days=1)

_noted: dict[str, float] = {}


def seen(name: str) -> None:
    """Note that the worker is alive, at most every few seconds; a database that is away is no reason to stop."""
    now = time.monotonic()
    if now - _noted.get(name, -SECONDS_BETWEEN_NOTES) < SECONDS_BETWEEN_NOTES:
        return
    _noted[name] = now
    try:
        Worker.objects.update_or_create(name=name[:200], defaults={"seen_at": timezone.now()})
        Worker.objects.filter(seen_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
    except DatabaseError:
        log.warning("The worker could not note that it is alive.", exc_info=True)
    finally:
        _leave_nothing_to_inherit()


def health() -> str | None:
    """Return what is wrong with background work, or None; without a broker there are no workers on purpose."""
    if not settings.CELERY_BROKER_URL:
        return None
    if not _broker_answers():
        return "the broker does not answer"
    newest = Worker.objects.order_by("-seen_at").first()
    if newest is None:
        return "no worker was ever seen"
    age = timezone.now() - newest.seen_at
    if age > timedelta(seconds=settings.JOBS_STALE_SECONDS):
        return f"no worker was seen for {age.total_seconds():.0f} s"
    return None


def _leave_nothing_to_inherit() -> None:
    """Close the main process's connections: a child that is forked later must not share them."""
    connection.close()
    if connection.settings_dict.get("OPTIONS", {}).get("pool"):
        connection.close_pool()  # type: ignore[attr-defined]


def _broker_answers() -> bool:
    try:
        with app.connection_for_write(connect_timeout=SECONDS_TO_ANSWER) as broker:
            broker.ensure_connection(max_retries=1, timeout=SECONDS_TO_ANSWER)
    except (OSError, CeleryError, KombuError):
        return False
    return True
