"""Tokens: made once in clear, checked on every call, revoked for good."""

import hmac
import logging
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.accounts import audit
from flexplatform.accounts.models import ApiToken, Membership, Organization, User
from flexplatform.accounts.permissions import DELEGABLE
from flexplatform.accounts.scoping import organization_scope

PATTERN = re.compile(r"flx_(?P<key>[0-9a-f]{16})\.(?P<secret>[A-Za-z0-9_-]{43})")
SECONDS_BETWEEN_USES = 60
NO_DIGEST = "0" * 64

Reason = Literal["unknown", "revoked", "expired", "network", "creator"]

log = logging.getLogger(__name__)


class TokenRefusedError(Exception):
    """A token that opens nothing; `reason` is for the log, the text for the caller.

    Only who proved to hold the secret reads that the token has expired or was revoked.
    """

    def __init__(self, reason: Reason) -> None:
        told = {"revoked": "The API token was revoked.", "expired": "The API token has expired."}
        super().__init__(told.get(reason, "The API token is not valid."))
        self.reason = reason


def digest(key: str, secret: str) -> str:
    """Return the keyed digest of a token's secret."""
    return hmac.digest(settings.API_TOKEN_PEPPER.encode(), f"{key}.{secret}".encode(), "sha256").hex()


@transaction.atomic
def create_token(
    *,
    organization: Organization,
    created_by: User,
    name: str,
    permissions: Iterable[str],
    expires_at: datetime | None = None,
    allowed_networks: Sequence[str] = (),
) -> tuple[ApiToken, str]:
    """Store a token and return it with its clear text, which nobody can read again.

    Raises:
        ValidationError: by field, such as for a permission that the creator does not hold.
    """
    membership = Membership.objects.filter(organization=organization, user=created_by, is_active=True).first()
    if membership is None or not created_by.is_active:
        raise ValidationError({"created_by": f"{created_by} is not an active member of {organization}."})
    wanted = sorted(set(permissions))
    granted = membership.permissions
    if (maker := audit.current().token) is not None:
        granted &= maker.granted
    if beyond := [permission for permission in wanted if permission in DELEGABLE and permission not in granted]:
        raise ValidationError({"permissions": f"A token cannot do more than its creator: {', '.join(beyond)}."})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": "The token would have expired already."})
    key, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    token = ApiToken(
        organization=organization,
        created_by=created_by,
        name=name.strip(),
        key=key,
        digest=digest(key, secret),
        permissions=wanted,
        expires_at=expires_at,
        allowed_networks=list(allowed_networks),
    )
    token.full_clean(exclude=("organization", "created_by"), validate_unique=False, validate_constraints=False)
    token.save()
    audit.record(organization=organization, action="token.create", instance=token, after=audit.snapshot(token))
    return token, f"flx_{key}.{secret}"


@transaction.atomic
def revoke_token(*, token: ApiToken) -> ApiToken:
    """Revoke a token for good; revoking again changes nothing."""
    with organization_scope(token.organization):
        stored = ApiToken.objects.select_for_update().get(pk=token.pk)
        if stored.revoked_at is None:
            before = audit.snapshot(stored)
            stored.revoked_at = timezone.now()
            stored.save(update_fields=["revoked_at"])
            was, now = audit.changed(before, audit.snapshot(stored))
            audit.record(
                organization=stored.organization, action="token.revoke", instance=stored, before=was, after=now
            )
    return stored


def authenticate_token(text: str, ip: str | None) -> ApiToken:
    """Return the token that `text` proves to hold, with what it may do in `granted`.

    The caller enters the scope of `token.organization`, and `audit.acting(token, Door.API, ip)`.

    Raises:
        TokenRefusedError: with the reason; an unknown key and a wrong secret take the same time and read the same.
    """
    parts = PATTERN.fullmatch(text)
    key, secret = (parts["key"], parts["secret"]) if parts else ("", "")
    with scopes_disabled():
        related = ApiToken.objects.select_related("organization", "created_by")
        token = related.filter(key=key).first()
    expected = token.digest if token is not None else NO_DIGEST
    proven = hmac.compare_digest(digest(key, secret), expected)
    if token is None or not proven:
        raise _refused("unknown", key)
    now = timezone.now()
    state = token.state(now)
    if state == "revoked":
        raise _refused("revoked", key)
    if state == "expired":
        raise _refused("expired", key)
    if not token.allows_address(ip):
        raise _refused("network", key)
    memberships = Membership.objects.filter(organization=token.organization_id, user=token.created_by_id)
    membership = memberships.filter(is_active=True).first()
    if membership is None or not token.created_by.is_active:
        raise _refused("creator", key)
    token.granted = frozenset(token.permissions) & membership.permissions
    _note_use(token, now)
    return token


def _note_use(token: ApiToken, now: datetime) -> None:
    before = now - timedelta(seconds=SECONDS_BETWEEN_USES)
    if token.last_used_at is not None and token.last_used_at > before:
        return
    with organization_scope(token.organization):
        unused = Q(last_used_at=None) | Q(last_used_at__lte=before)
        ApiToken.objects.filter(unused, pk=token.pk).update(last_used_at=now)
    token.last_used_at = now


def _refused(reason: Reason, key: str) -> TokenRefusedError:
    log.info("API token flx_%s refused: %s", key or "?", reason)
    return TokenRefusedError(reason)
