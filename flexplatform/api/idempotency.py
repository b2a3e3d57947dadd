"""A POST with an `Idempotency-Key` has one effect, however often it is sent.

The answer is stored in the transaction of the work, so both are there or neither is. Of two requests at the same time
the second waits for the first, by the unique constraint, and gets its answer. Work in the background has its key in
the `Job`, which is the answer as it stands now.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from flexplatform.accounts.models import ApiToken, Organization
from flexplatform.api.errors import Conflict
from flexplatform.api.models import LONGEST_KEY, StoredAnswer
from flexplatform.jobs.models import Job
from flexplatform.jobs.scoping import every_organization

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = ("Location", "ETag")
KEPT_FOR = timedelta(hours=24)

Handler = Callable[[], Response]


def key_of(request: Request, *, required: bool) -> str:
    """Return the key of a request, empty where there is none.

    Raises:
        ValidationError: where one is required, or it is too long.
    """
    key = request.headers.get(HEADER, "").strip()
    if (required and not key) or len(key) > LONGEST_KEY or not key.isprintable():
        raise ValidationError({HEADER: f"The header is missing or longer than {LONGEST_KEY} characters."})
    return key


@transaction.atomic
def once(request: Request, token: ApiToken, key: str, handle: Handler) -> Response:
    """Return the answer of `handle`, or the one that it gave to the same request before.

    Raises:
        Conflict: where the key belongs to another request.
    """
    if Job.objects.filter(organization=token.organization, idempotency_key=key).exists():
        raise _used(key)
    asked = {"request": f"{request.method} {request.get_full_path()}"[:500], "body_hash": _hash(request)}
    row, new = StoredAnswer.objects.get_or_create(
        organization=token.organization, key=key, defaults={"token": token, **asked}
    )
    if not new:
        if {name: getattr(row, name) for name in asked} != asked:
            raise _used(key)
        return _replay(row)
    response = handle()
    if response.status_code >= 400:
        transaction.set_rollback(True)
        return response
    row.status = response.status_code
    row.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    row.body = "" if response.data is None else JSONRenderer().render(response.data).decode()
    row.save(update_fields=["status", "headers", "body"])
    return response


@transaction.atomic
def by_job(organization: Organization, key: str, handle: Handler) -> Response:
    """Return the answer of `handle`, whose `Job` has the key; it is the job of the same request before, if any.

    Raises:
        Conflict: where the key belongs to another request.
    """
    if StoredAnswer.objects.filter(organization=organization, key=key).exists():
        raise _used(key)
    known = set(Job.objects.filter(organization=organization, idempotency_key=key).values_list("pk", flat=True))
    response = handle()
    if known:
        if response.data["id"] not in known:
            raise _used(key)
        response[REPLAYED] = "true"
    return response


def forget_old() -> int:
    """Delete the answers of all organizations that nobody will ask for again; return how many."""
    with every_organization():
        return StoredAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _replay(row: StoredAnswer) -> Response:
    headers = {**row.headers, REPLAYED: "true"}
    return Response(json.loads(row.body) if row.body else None, row.status, headers=headers)


def _hash(request: Request) -> str:
    kind = request.content_type.partition(";")[0].strip().lower()
    return hashlib.sha256(kind.encode() + b"\0" + request._request.body).hexdigest()


def _used(key: str) -> Conflict:
    return Conflict(f"The idempotency key {key!r} was used for another request before.")
