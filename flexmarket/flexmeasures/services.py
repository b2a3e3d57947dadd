"""Whether and where an organization is reflected in FlexMeasures, with which account, and the wish to push now."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assets.models import Site
from assets.services import rows
from flexmarket.flexmeasures.adapter import Account
from flexmarket.flexmeasures.addresses import AddressRefusedError, checked_server
from flexmarket.flexmeasures.errors import UnreachableError
from flexmarket.models import FlexMeasuresLink, FlexMeasuresServer
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from forecasting.services.provider_keys import KeyUnreadableError, delete_secret, provider_key, store_secret

PUSH = "flexmeasures_push"
SECRET = "flexmeasures"  # noqa: S105
LONGEST_SECRET = 200
MOST_SHOWN = 500


@transaction.atomic
def set_server(*, organization: Organization, values: Mapping[str, Any], secret: str = "") -> FlexMeasuresServer:
    """Reflect an organization in this server from now on; `values` are `url`, `email` and `enabled`.

    The secret is the password of `email`, or a token without one; empty keeps the stored one. It goes to no other
    server or account than it was entered for, so it has to be entered again with those. Another server knows none of
    the ids of the one before, so the links are forgotten with it.

    Raises:
        ValidationError: by field.
    """
    stored = FlexMeasuresServer.objects.select_for_update().filter(organization=organization).first()
    try:
        url = checked_server(str(values.get("url", stored.url if stored else ""))).url
    except AddressRefusedError as error:
        raise ValidationError({"url": str(error)}) from error
    given = {**values, "url": url}
    moved = stored is None or stored.url != url
    if not secret and (moved or (stored is not None and stored.email != given.get("email", stored.email))):
        raise ValidationError({"secret": "Enter the password or token, as the server or the account is another one."})
    if secret:
        _check(secret)
        store_secret(organization=organization, name=SECRET, secret=secret)
    if moved:
        FlexMeasuresLink.objects.filter(organization=organization).delete()
    if stored is None:
        return rows.create(FlexMeasuresServer(organization=organization), given, organization)
    return rows.update(stored, given, organization)


@transaction.atomic
def switch(*, organization: Organization, enabled: bool) -> FlexMeasuresServer:
    """Keep the server up to date by the clock, or no more.

    Raises:
        ValidationError: where no server was entered.
    """
    return rows.update(server_of(organization), {"enabled": enabled}, organization)


@transaction.atomic
def forget_server(*, organization: Organization) -> None:
    """Forget the server, its secret and all ids; what was posted stays there. Without one nothing happens."""
    stored = FlexMeasuresServer.objects.select_for_update().filter(organization=organization).first()
    if stored is None:
        return
    delete_secret(organization=organization, name=SECRET)
    FlexMeasuresLink.objects.filter(organization=organization).delete()
    rows.delete(stored, organization)


@transaction.atomic
def request_push(
    *, organization: Organization, site: Site | None = None, news_only: bool = False, idempotency_key: str = ""
) -> Job:
    """Return the job that pushes one site, those with news, or all of them.

    Raises:
        ValidationError: where no server was entered, or for a site of another organization.
        JobConflictError: when the key belongs to another request.
    """
    server_of(organization)
    if site is not None and site.organization_id != organization.pk:
        raise ValidationError({"site": f"site is {site.pk}; allowed: a site of the organization."})
    return enqueue(
        organization=organization,
        kind=PUSH,
        title=f"Push {site.name} to FlexMeasures" if site else "Push to FlexMeasures",
        input={"site": site.pk if site else None, "news_only": news_only},
        idempotency_key=idempotency_key,
    )


def server_of(organization: Organization) -> FlexMeasuresServer:
    """Return the server of an organization.

    Raises:
        ValidationError: where there is none.
    """
    found = FlexMeasuresServer.objects.filter(organization=organization).first()
    if found is None:
        raise ValidationError({"url": f"{organization.name} has no FlexMeasures server; enter one first."})
    return found


def account_of(server: FlexMeasuresServer) -> Account:
    """Return whom to sign in as.

    Raises:
        UnreachableError: where there is no secret, or it cannot be read any more.
    """
    try:
        secret = provider_key(server.organization, SECRET)
    except KeyUnreadableError:
        raise UnreachableError("The stored password or token cannot be decrypted any more. Enter it again.") from None
    if not secret:
        raise UnreachableError("No password or token is stored.")
    return Account(server.email, secret)


@transaction.atomic
def note_success(server: FlexMeasuresServer) -> None:
    """Note that all that was asked for is up to date there."""
    server.pushed_at = timezone.now()
    server.save(update_fields=["pushed_at"])


@transaction.atomic
def note_failure(server: FlexMeasuresServer, error: str) -> None:
    """Note that a push failed; recorded once, not at every further attempt."""
    was_failing, server.failed_at, server.error = server.is_failing, timezone.now(), error[:MOST_SHOWN]
    server.save(update_fields=["failed_at", "error"])
    if not was_failing:
        after = {"error": server.error}
        audit.record(organization=server.organization, action="flexmeasuresserver.fail", instance=server, after=after)


def _check(secret: str) -> None:
    if len(secret) > LONGEST_SECRET or not secret.isprintable():
        raise ValidationError(
            {"secret": f"The secret has {len(secret)} characters; allowed: 1 to {LONGEST_SECRET} visible ones."}
        )
