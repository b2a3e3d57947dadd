"""mosquitto's password and ACL files, written from the tenants' credentials."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django_scopes import scopes_disabled

from assets.models import Asset
from telemetry.engine.topics import (
    ANSWER,
    EVERY_MAPPED,
    EVERY_READING,
    PREFIX,
    SETPOINT,
    STATUS,
    asset_level,
    mapped_prefix,
)
from telemetry.models import DeviceCredential
from telemetry.quantities import QUANTITIES, quantities_of
from telemetry.services.devices import mosquitto_hash

BRIDGE_USER = "flexplatform-bridge"
PASSWORDS, RULES = "passwords", "acl"
# The broker takes a salt that is the same each time, so that the file changes only where a password does.
BRIDGE_SALT = b"flexplatform"


@dataclass(frozen=True)
class AccessFiles:
    """The files in `folder`; the mosquitto of `pid_file` is told to read them again when they changed."""

    folder: Path
    bridge_password: str
    pid_file: Path | None = None

    def update(self) -> bool:
        """Write the files of all organizations; return whether anything changed."""
        with scopes_disabled():
            credentials = list(
                DeviceCredential.objects.filter(revoked_at=None)
                .select_related("organization", "site", "asset")
                .order_by("username")
            )
        passwords = [f"{BRIDGE_USER}:{mosquitto_hash(self.bridge_password, BRIDGE_SALT)}"]
        passwords += [f"{each.username}:{each.password}" for each in credentials]
        rules = [*_bridge_rules(), *(line for each in credentials for line in _rules(each))]
        changed = [self._write(PASSWORDS, passwords), self._write(RULES, rules)]
        if any(changed) and self.pid_file is not None:
            with suppress(OSError, ValueError):
                os.kill(int(self.pid_file.read_text()), signal.SIGHUP)
        return any(changed)

    def _write(self, name: str, lines: list[str]) -> bool:
        path = self.folder / name
        text = "\n".join(lines) + "\n"
        if path.exists() and path.read_text() == text:
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        if path.exists():
            # The broker may run as another user: the file stays whose it was.
            owner = path.stat()
            with suppress(PermissionError):
                os.chown(new, owner.st_uid, owner.st_gid)
        new.replace(path)
        return True


def _bridge_rules() -> Iterator[str]:
    yield f"user {BRIDGE_USER}"
    yield f"topic read {EVERY_READING}"
    yield f"topic read {EVERY_MAPPED}"
    yield f"topic write {PREFIX}/+/+/+/{SETPOINT}"
    yield ""


def _rules(credential: DeviceCredential) -> Iterator[str]:
    """Yield what a device may do: publish its readings, status and answers, and read what it is told.

    Each topic is named, so that no device writes what devices are told.
    """
    place = f"{PREFIX}/{credential.organization.slug}/{credential.site.slug}"
    asset = credential.asset
    yield f"user {credential.username}"
    place += f"/{asset_level(asset.name, asset.pk) if asset else '+'}"
    for name in (*_quantities(asset), STATUS, ANSWER):
        yield f"topic write {place}/{name}"
    yield f"topic read {place}/{SETPOINT}"
    yield f"topic write {mapped_prefix(credential.username)}#"
    yield ""


def _quantities(asset: Asset | None) -> list[str]:
    """Return what a device has, or anything of a site."""
    return [each.name for each in quantities_of(asset.kind)] if asset else list(QUANTITIES)
