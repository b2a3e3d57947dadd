"""Every request gets an id, is counted, and leaves one line in the log; one that brings too much is not read."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from flexplatform.api.errors import MEDIA_TYPE, problem
from flexplatform.operations import metrics
from flexplatform.operations.logs import naming

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9_.-]{8,64}")
# Asked every few seconds by machines; they would fill the log.
UNREMARKABLE = frozenset({"healthz", "metrics"})

log = logging.getLogger("flexplatform.requests")


class RequestMiddleware:
    """The outermost layer; it writes the route and never the path, which may hold the secret of an invitation."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle the request under its id, and answer with the id."""
        request_id = _id(request)
        started = time.monotonic()
        with naming(request=request_id):
            response = self.get_response(request)
            seconds = time.monotonic() - started
            route = request.resolver_match.route if request.resolver_match else ""
            metrics.count_request(request.method or "", route, response.status_code, seconds)
            fields = {
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
                **_whose(request),
            }
            level = logging.DEBUG if route in UNREMARKABLE else logging.INFO
            log.log(level, "%s %s: %d", request.method, f"/{route}", response.status_code, extra={"fields": fields})
        response[HEADER] = request_id
        return response


class BodyLimitMiddleware:
    """Refuses a body that says to be too large before anything reads it.

    Django limits what it keeps in memory, but writes files of any size to the disk, also those of strangers. A body
    that does not say its size is read as empty.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 413, or pass the request on."""
        try:
            size = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            size = 0
        if size <= settings.LARGEST_BODY:
            return self.get_response(request)
        said = f"The body has {size} bytes; allowed: {settings.LARGEST_BODY}."
        if request.path_info.startswith("/api/"):
            return JsonResponse(problem(413, said), status=413, content_type=MEDIA_TYPE)
        return HttpResponse(said, status=413, content_type="text/plain")


def _id(request: HttpRequest) -> str:
    """Return the id that an own proxy gave, else a new one; a caller from outside may not choose it."""
    given = request.headers.get(HEADER, "") if settings.PROXY_COUNT else ""
    return given if GIVEN.fullmatch(given) else uuid.uuid4().hex


def _whose(request: HttpRequest) -> dict[str, Any]:
    """Return the organization that the address or the token named, whose scope is left by now."""
    organization = getattr(request, "organization", None)
    token = getattr(request, "auth", None)
    found = organization.pk if organization is not None else getattr(token, "organization_id", None)
    return {} if found is None else {"organization": found}
