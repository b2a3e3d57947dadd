"""What the clock does for readings."""

import logging

from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.celery import app
from telemetry.services.retention import tend_readings as tend

log = logging.getLogger(__name__)


@app.task(name="telemetry.tend_readings", expires=3600)
def tend_readings() -> None:
    """Make partitions ahead, and throw away what nobody keeps any more; doing it twice changes nothing."""
    with scopes_disabled():
        done = tend(now=timezone.now())
    log.info(
        "%d partitions made, %d dropped; %d readings and %d refused messages deleted.",
        len(done.made),
        len(done.dropped),
        done.readings,
        done.letters,
    )
