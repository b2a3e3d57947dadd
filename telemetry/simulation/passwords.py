"""What simulated devices sign in with: credentials of their own, whose passwords lie in a file that only they read."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.db import transaction

from assets.models import Asset, Site
from flexplatform.accounts.models import Organization
from telemetry.models import DeviceCredential
from telemetry.services import create_credential, rotate_credential

Owner = tuple[Site, Asset | None]


def name_of(site: Site, asset: Asset | None) -> str:
    """Return the name of the credential of a simulated device, or of a simulated site's gateway."""
    return f"sim-{asset.pk}" if asset else f"sim-site-{site.pk}"


@transaction.atomic
def make_credentials(owners: Iterable[Owner]) -> None:
    """Make the credentials that are missing; nobody knows their passwords yet."""
    wanted = {name_of(*owner): owner for owner in owners}
    known = set(DeviceCredential.objects.filter(name__in=list(wanted)).values_list("name", flat=True))
    for name, (site, asset) in wanted.items():
        if name not in known:
            create_credential(site=site, asset=asset, name=name)


@transaction.atomic
def passwords_of(organization: Organization, owners: Iterable[Owner], kept: Path) -> Mapping[str, tuple[str, str]]:
    """Return user name and password by credential name; a password that `kept` lacks is made anew.

    A credential that was revoked stays so: its device is missing here.
    """
    wanted = {name_of(*owner): owner for owner in owners}
    make_credentials(wanted.values())
    known: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    rows = DeviceCredential.objects.filter(organization=organization, name__in=list(wanted), revoked_at=None)
    found = {}
    for row in rows.select_related("organization"):
        stored = f"{row.username} {row.pk} {row.rotated_at or row.created_at}"
        if stored not in known:
            row, password = rotate_credential(credential=row)
            stored = f"{row.username} {row.pk} {row.rotated_at}"
            known[stored] = password
        found[row.name] = (row.username, known[stored])
    _keep(kept, known)
    return found


def _keep(path: Path, known: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file)
    new.replace(path)
