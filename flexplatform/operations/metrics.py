"""`/metrics` for Prometheus: requests as the web server counts them, and the measures that apps registered.

With several processes of a web server each counts in files of a folder (`PROMETHEUS_MULTIPROC_DIR`, see gunicorn.py),
and whichever is asked adds them up. Measures are read from the database, so that any process can tell them.
"""

import logging
import os
from collections.abc import Iterator
from hmac import compare_digest

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from flexplatform.registry import Measure, measures

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)

log = logging.getLogger(__name__)

_own = CollectorRegistry()
_requests = Counter("flexplatform_requests", "Requests by their route", ["method", "route", "status"], registry=_own)
_seconds = Histogram("flexplatform_request_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=_own)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request; words of the caller's own making become "other", as each label is kept for good."""
    _requests.labels(method if method in METHODS else "other", route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer who holds the token `METRICS_TOKEN`; without such a setting there is nothing at this address."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse("A valid token is needed.\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    asked = CollectorRegistry()
    asked.register(_Measures())
    counted = _own
    if SHARED_FOLDER in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)
    return HttpResponse(generate_latest(counted) + generate_latest(asked), content_type=CONTENT_TYPE_LATEST)


class _Measures(Collector):
    """What the apps' measures say now; one that fails is told as failed and stops no other."""

    def collect(self) -> Iterator[Metric]:
        failed = GaugeMetricFamily("flexplatform_measure_failed", "Whether it could not be read", labels=["measure"])
        for measure in measures:
            try:
                yield _read(measure)
            except DatabaseError:
                log.exception("The measure %s could not be read.", measure.name)
                failed.add_metric([measure.name], 1)
            else:
                failed.add_metric([measure.name], 0)
        yield failed


def _read(measure: Measure) -> Metric:
    kind = CounterMetricFamily if measure.counts_up else GaugeMetricFamily
    family = kind(f"flexplatform_{measure.name}", measure.help, labels=list(measure.labels))
    for labels, value in measure.read():
        family.add_metric([str(label) for label in labels], value)
    return family
