"""What the broker carries: that a job waits, and the clock's tick that brings lost jobs back."""

import socket
from typing import Any

from celery import Task, signals
from django.conf import settings

from flexplatform.celery import app
from flexplatform.jobs import workers
from flexplatform.jobs.claims import reconcile
from flexplatform.jobs.messages import RECONCILE_TASK, RUN_TASK
from flexplatform.jobs.registry import Priority
from flexplatform.jobs.work import execute_next
from flexplatform.operations import alive


@app.task(name=RUN_TASK, bind=True)
def run_job(task: "Task[Any, Any]", job_id: int, priority: int = Priority.NOW) -> None:
    """Do the waiting job that goes first; the one that was sent is the occasion, and its urgency the least."""
    execute_next(task.request.hostname or socket.gethostname(), priority)


@app.task(name=RECONCILE_TASK, expires=settings.JOBS_RECONCILE_SECONDS)
def reconcile_jobs() -> None:
    """Bring back what was lost."""
    reconcile()


@signals.worker_ready.connect
@signals.heartbeat_sent.connect
def _seen(sender: Any, **_arguments: Any) -> None:
    """Note in the worker's main process that it is alive, also while its child works on something long."""
    alive.note(alive.WORKER)
    workers.seen(str(getattr(sender, "hostname", "") or getattr(sender.eventer, "hostname", "worker")))


@signals.beat_init.connect
def _note_what_the_clock_sends(**_arguments: Any) -> None:
    """Note with each message that the clock's own process is alive, and the broker with it."""
    signals.after_task_publish.connect(_sent, weak=False)


def _sent(**_arguments: Any) -> None:
    alive.note(alive.CLOCK)
