"""A process of its own with the platform's code and a database of its own: one JSON command per line, one answer."""

import json
import sys
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count, Max, Min, Sum  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_scopes import scopes_disabled  # noqa: E402

from assets.models import Battery, Portfolio, Site  # noqa: E402
from flexplatform.accounts.audit import acting  # noqa: E402
from flexplatform.accounts.models import Door, Organization  # noqa: E402
from telemetry.engine.presets import PRESETS  # noqa: E402
from telemetry.models import (  # noqa: E402
    BridgeState,
    Channel,
    DeadLetter,
    DeviceCredential,
    DevicePresence,
    Reading,
    Rollup,
    Setpoint,
)
from telemetry.services import (  # noqa: E402
    NewSetpoint,
    cancel_setpoint,
    create_credential,
    queue_setpoints,
    revoke_credential,
)
from telemetry.services.mappings import apply_preset  # noqa: E402


def prepare() -> dict[str, Any]:
    """Make the tables and two organizations with a site, a battery and a credential; return names and passwords."""
    call_command("migrate", verbosity=0, interactive=False)
    devices = {}
    for slug in "ab":
        organization = Organization.objects.create(name=slug, slug=slug)
        with scopes_disabled(), acting("tests", Door.COMMAND):
            portfolio = Portfolio.objects.create(organization=organization, name="p")
            site = Site.objects.create(
                organization=organization, portfolio=portfolio, name="Home", slug="home", latitude=48, longitude=11
            )
            Battery.objects.create(
                site=site, name="battery", capacity_kwh=5.0, charge_power_kw=3.0, discharge_power_kw=3.0
            )
            credential, password = create_credential(site=site, name="gateway")
        devices[slug] = (credential.username, password)
    return devices


def revoke(username: str) -> None:
    with scopes_disabled(), acting("tests", Door.COMMAND):
        revoke_credential(credential=DeviceCredential.objects.get(username=username))


def use_preset(username: str, preset: str) -> None:
    """Let a credential's device speak in the words of its maker."""
    with scopes_disabled(), acting("tests", Door.COMMAND):
        credential = DeviceCredential.objects.select_related("organization").get(username=username)
        apply_preset(organization=credential.organization, credential=credential, preset=PRESETS[preset])


def queue(organization: str, power_kw: list[float], seconds: int = 3600) -> str:
    """Queue a set-point of the organization's battery from now on; return its id."""
    with scopes_disabled(), acting("tests", Door.COMMAND):
        owner = Organization.objects.get(slug=organization)
        asset = Battery.objects.select_related("site").get(site__organization=owner)
        start = timezone.now().replace(microsecond=0)
        asked = NewSetpoint(asset=asset, start=start, step_seconds=seconds, power_kw=power_kw)
        (made,) = queue_setpoints(organization=owner, setpoints=[asked], source="manual")
    return str(made.message_id)


def cancel(message_id: str) -> None:
    with scopes_disabled(), acting("tests", Door.COMMAND):
        cancel_setpoint(setpoint=Setpoint.objects.get(message_id=message_id))


def setpoints() -> dict[str, str]:
    """Return the state of each set-point by its id."""
    with scopes_disabled():
        found = Setpoint.objects.order_by("pk").values_list("message_id", "state", "withdrawal")
        return {str(pk): f"{state}, to withdraw" if withdrawal else state for pk, state, withdrawal in found}


def newest(organization: str) -> dict[str, float]:
    """Return the newest value of each channel of an organization."""
    with scopes_disabled():
        found = Channel.objects.filter(organization__slug=organization, last_at__isnull=False).select_related("asset")
        return {channel.label: channel.last_value for channel in found}


def look() -> dict[str, Any]:
    """Return what is stored, by organization."""
    with scopes_disabled():
        by_organization = Reading.objects.values("channel__organization__slug").annotate(
            readings=Count("value"), total=Sum("value"), first=Min("time"), last=Max("time")
        )
        return {
            "readings": {
                row["channel__organization__slug"]: {
                    "count": row["readings"],
                    "sum": row["total"],
                    "span": (row["last"] - row["first"]).total_seconds(),
                }
                for row in by_organization
            },
            "rolled": Rollup.objects.aggregate(found=Sum("count"))["found"] or 0,
            "rolled_sum": Rollup.objects.aggregate(found=Sum("total"))["found"] or 0,
            "channels": Channel.objects.count(),
            "letters": list(DeadLetter.objects.values_list("source", "reason", "count")),
            "online": list(DevicePresence.objects.values_list("site__organization__slug", "online")),
            "connected": list(BridgeState.objects.values_list("connected", flat=True)),
        }


COMMANDS = {
    function.__name__: function for function in (prepare, revoke, use_preset, queue, cancel, setpoints, newest, look)
}

if __name__ == "__main__":
    for line in sys.stdin:
        name, arguments = json.loads(line)
        # The database may have been stopped since the last command.
        connection.close()
        sys.stdout.write(json.dumps(COMMANDS[name](**arguments)) + "\n")
        sys.stdout.flush()
