"""What is given to the broker: that a job waits. The rows say which one goes first."""

import logging

from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from flexplatform.celery import LATER_QUEUE, NOW_QUEUE, app
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Priority
from flexplatform.jobs.scoping import every_organization

log = logging.getLogger(__name__)

RUN_TASK = "jobs.run"
RECONCILE_TASK = "jobs.reconcile"
QUEUES = {Priority.NOW: NOW_QUEUE, Priority.LATER: LATER_QUEUE}


def send(job_id: int, priority: int = Priority.NOW) -> bool:
    """Give a job to the broker and return whether that worked; one that was not sent is found by `reconcile`."""
    if not settings.CELERY_BROKER_URL:
        return False
    try:
        app.send_task(RUN_TASK, args=[job_id, priority], queue=QUEUES[Priority(priority)], retry=False)
    except OperationalError as error:
        log.warning("Job %s could not be sent: %s", job_id, error)
        return False
    with every_organization():
        Job.objects.filter(pk=job_id, status=Job.Status.QUEUED).update(sent_at=timezone.now())
    return True
