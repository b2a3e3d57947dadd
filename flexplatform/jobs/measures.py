"""Figures of background work for `/metrics`."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone
from kombu.exceptions import KombuError

from flexplatform.celery import LATER_QUEUE, NOW_QUEUE, app
from flexplatform.jobs.models import Job, Worker
from flexplatform.jobs.registry import Priority
from flexplatform.jobs.scoping import every_organization
from flexplatform.registry import Measure, Sample

SECONDS_TO_ANSWER = 2


def jobs_by_state() -> Iterable[Sample]:
    """Return how many jobs there are in each state, parts of larger ones included."""
    with every_organization():
        counts = dict(Job.objects.order_by().values_list("status").annotate(Count("pk")))
    return [((state,), counts.get(state, 0)) for state in Job.Status.values]


def oldest_waiting() -> Iterable[Sample]:
    """Return how many seconds the oldest waiting job of each priority waits; 0 where none does."""
    with every_organization():
        waiting = Job.objects.filter(status=Job.Status.QUEUED).order_by()
        since = dict(waiting.values_list("priority").annotate(Min("created_at")))
    now = timezone.now()
    return [
        ((each.name.lower(),), (now - since[each.value]).total_seconds() if each.value in since else 0.0)
        for each in Priority
    ]


def workers() -> Iterable[Sample]:
    """Return how many workers were seen lately."""
    since = timezone.now() - timedelta(seconds=settings.JOBS_STALE_SECONDS)
    return [((), Worker.objects.filter(seen_at__gte=since).count())]


def queued_messages() -> Iterable[Sample]:
    """Yield how many messages wait in each queue of the broker; nothing where it does not answer."""
    if not settings.CELERY_BROKER_URL:
        return
    with suppress(OSError, KombuError), app.connection_for_read(connect_timeout=SECONDS_TO_ANSWER) as broker:
        broker.ensure_connection(max_retries=1, timeout=SECONDS_TO_ANSWER)
        channel: Any = broker.default_channel
        for queue in (NOW_QUEUE, LATER_QUEUE):
            yield (queue,), float(channel.queue_declare(queue).message_count)


MEASURES = (
    Measure("jobs", "Jobs by state", jobs_by_state, ("state",)),
    Measure("oldest_waiting_job_seconds", "How long the oldest waiting job waits", oldest_waiting, ("priority",)),
    Measure("workers", "Workers that were seen lately", workers),
    Measure("broker_messages", "Messages that wait in the broker of the jobs", queued_messages, ("queue",)),
)
