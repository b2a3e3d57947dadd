"""The Celery application: `celery -A flexplatform.celery worker` and `... beat`; without a broker nothing is sent.

A worker takes from both queues, the urgent one first; one that is started with `--queues flexplatform` is kept for
what people wait for.
"""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexplatform.settings")

NOW_QUEUE = "flexplatform"
LATER_QUEUE = "flexplatform.later"

app = Celery("flexplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_default_queue = NOW_QUEUE
app.conf.task_queues = [Queue(NOW_QUEUE), Queue(LATER_QUEUE)]
app.autodiscover_tasks()
