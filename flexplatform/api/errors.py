"""Every error of the API as problem+json (RFC 9457), with the field that it is about."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from flexplatform.jobs.errors import JobConflictError

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request is not valid",
    401: "A valid API token is needed",
    403: "The token may not do this",
    404: "There is nothing at this address",
    405: "The method is not allowed here",
    406: "The answer is not available in this form",
    409: "The request contradicts an earlier one",
    412: "The row has changed",
    413: "The body is too large",
    415: "The body has an unknown form",
    429: "Too many requests",
}


class Conflict(exceptions.APIException):
    """A request that contradicts what is stored."""

    status_code = status.HTTP_409_CONFLICT


class TooLarge(exceptions.APIException):
    """A body beyond what one request may bring."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE

    def __init__(self) -> None:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        super().__init__(f"The body is too large; allowed: {most // 1024 // 1024} MB.")


def as_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an error that a caller can cause; None for all others."""
    response = exception_handler(_translated(error), context)
    if response is None:
        return None
    detail = response.data
    fields = [] if isinstance(detail, dict) and set(detail) == {"detail"} else list(_fields(detail, ""))
    text = str(detail["detail"]) if not fields else "; ".join(f"{each['field']}: {each['message']}" for each in fields)
    response.data = problem(response.status_code, text, fields)
    response.content_type = MEDIA_TYPE
    return response


def problem(code: int, detail: str, fields: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """Return the body of a problem answer."""
    body: dict[str, Any] = {"type": "about:blank", "title": TITLES.get(code, "Error"), "status": code, "detail": detail}
    return body | ({"errors": fields} if fields else {})


@csrf_exempt
def not_found(request: HttpRequest, **_rest: Any) -> JsonResponse:
    """Answer an address below the API that does not exist."""
    return JsonResponse(problem(404, f"No resource at {request.path}."), status=404, content_type=MEDIA_TYPE)


def _translated(error: Exception) -> Exception:
    if isinstance(error, ModelError):
        found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        return exceptions.ValidationError(found)
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, RecursionError):
        return exceptions.ParseError("The body is nested too deeply.")
    if isinstance(error, JobConflictError):
        return Conflict(str(error))
    return exceptions.NotFound() if isinstance(error, Http404) else _forbidden(error)


def _forbidden(error: Exception) -> Exception:
    return exceptions.PermissionDenied(str(error) or None) if isinstance(error, PermissionDenied) else error


def _fields(detail: Any, path: str) -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, each in detail.items():
            if isinstance(name, int):
                yield from _fields(each, f"{path}[{name}]")
                continue
            own = "" if name in {"__all__", "non_field_errors"} else str(name)
            yield from _fields(each, f"{path}.{own}".strip("."))
    elif isinstance(detail, list):
        for index, each in enumerate(detail):
            yield from _fields(each, path if isinstance(each, str) else f"{path}[{index}]")
    else:
        yield {"field": path or "request", "message": str(detail)}
