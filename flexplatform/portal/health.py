"""`/healthz`: whether every registered check passes."""

import logging

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from flexplatform.registry import health_checks

log = logging.getLogger(__name__)


def database() -> str | None:
    """Return what is wrong with the database, or None."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.exception("The database does not answer.")
        return "does not answer"
    return None


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when every check passes, else 503; checks by name."""
    results = {check.name: check.check() for check in health_checks}
    healthy = not any(results.values())
    body = {"status": "ok" if healthy else "failing", "checks": {name: why or "ok" for name, why in results.items()}}
    response = JsonResponse(body, status=200 if healthy else 503)
    # Django would log an error for every question while the platform starts; what fails says so by itself.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
