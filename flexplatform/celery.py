"""The Celery application: `celery -A flexplatform.celery worker` and `... beat`; without a broker nothing is sent."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexplatform.settings")

app = Celery("flexplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
