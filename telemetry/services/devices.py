"""What devices sign in with at the broker: made once in clear, rotated, revoked for good."""

import base64
import hashlib
import secrets
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assets.models import Asset, Site
from flexplatform.accounts import audit
from telemetry.models import DeviceCredential, DevicePresence

# The passwords have 256 random bits, so that more rounds would cost devices time and no attacker anything.
ROUNDS = 101
SALT_BYTES = 12


def mosquitto_hash(password: str, salt: bytes | None = None) -> str:
    """Return the hash of a password as mosquitto 2 checks it (PBKDF2 with SHA-512)."""
    used = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), used, ROUNDS)
    return "$".join(("", "7", str(ROUNDS), base64.b64encode(used).decode(), base64.b64encode(digest).decode()))


@transaction.atomic
def create_credential(*, site: Site, name: str, asset: Asset | None = None) -> tuple[DeviceCredential, str]:
    """Let a device, or all of a site, publish; return the credential and its password, which nobody can read again.

    Raises:
        ValidationError: by field.
    """
    password = secrets.token_urlsafe(32)
    credential = DeviceCredential(
        organization=site.organization,
        site=site,
        asset=asset,
        name=name.strip(),
        username=f"{site.organization.slug}.{name.strip()}",
        password=mosquitto_hash(password),
    )
    credential.full_clean()
    credential.save()
    audit.record(
        organization=credential.organization,
        action="device_credential.create",
        instance=credential,
        after=audit.snapshot(credential),
    )
    return credential, password


@transaction.atomic
def rotate_credential(*, credential: DeviceCredential) -> tuple[DeviceCredential, str]:
    """Give a credential a new password and return both; the old one opens nothing from then on.

    Raises:
        ValidationError: where it is revoked.
    """
    stored = _locked(credential)
    if not stored.is_active:
        raise ValidationError(f"The credential {stored.name} is revoked; make a new one.")
    before = audit.snapshot(stored)
    password = secrets.token_urlsafe(32)
    stored.password, stored.rotated_at = mosquitto_hash(password), timezone.now()
    stored.save()
    _record(stored, "rotate", before)
    return stored, password


@transaction.atomic
def revoke_credential(*, credential: DeviceCredential) -> DeviceCredential:
    """Let a credential open nothing from now on; revoking again changes nothing."""
    stored = _locked(credential)
    if stored.is_active:
        before = audit.snapshot(stored)
        stored.revoked_at = timezone.now()
        stored.save()
        _record(stored, "revoke", before)
    return stored


@transaction.atomic
def note_presences(*, presences: Iterable[DevicePresence]) -> None:
    """Store whether devices of any organizations are connected; of several for one device the last counts."""
    for presence in {(each.site_id, each.asset_id): each for each in presences}.values():
        same = DevicePresence.objects.filter(site=presence.site_id, asset=presence.asset_id)
        if not same.update(online=presence.online, changed_at=presence.changed_at):
            presence.save()


def _locked(credential: DeviceCredential) -> DeviceCredential:
    found = DeviceCredential.objects.select_for_update(of=("self",)).filter(pk=credential.pk).first()
    if found is None:
        raise ValidationError(f"Credential {credential.pk} does not exist any more.")
    return found


def _record(credential: DeviceCredential, verb: str, before: dict[str, object]) -> None:
    was, now = audit.changed(before, audit.snapshot(credential))
    audit.record(
        organization=credential.organization,
        action=f"device_credential.{verb}",
        instance=credential,
        before=was,
        after=now,
    )
