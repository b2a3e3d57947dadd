"""Whether the bridge does its work, for `/healthz`."""

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from telemetry.models import BridgeState


def bridge() -> str | None:
    """Return what is wrong with the bridges; None when all is well, or where there is no broker."""
    if not settings.MQTT_URL:
        return None
    try:
        states = list(BridgeState.objects.order_by("client_id"))
    except DatabaseError:
        return "unknown, as the database does not answer"
    if not states:
        return "no bridge is active"
    now = timezone.now()
    return "; ".join(f"{state}: {trouble}" for state in states if (trouble := state.trouble(now))) or None
