"""What the engine is told of a channel: its kind, its place, and the device's parameters by the names of columns."""

from assets.models import Asset
from assets.tables import editable_fields
from forecasting.engine.protocol import ChannelFacts
from telemetry.models import Channel

# Kinds of the engine by kind of the device, and what of such a device is forecast in that way.
KINDS = {
    "pv": ("pv", frozenset({"available_power_kw", "power_kw"})),
    "wind": ("wind", frozenset({"available_power_kw", "power_kw"})),
    "electric_load": ("load", frozenset({"demand_kw", "power_kw"})),
    "heat_load": ("heat", frozenset({"demand_kw", "heat_kw"})),
    "electric_vehicle": ("ev", frozenset({"power_kw", "connected"})),
}
PLACE = frozenset({"site", "name", "latitude", "longitude"})


def channel_facts(channel: Channel, device: Asset) -> ChannelFacts | None:
    """Return what the engine is told of a device's channel; None where no model is for it.

    `device` is the row of its own kind, as `assets.queries.devices_by_site` loads them. No query, if the channel came
    with its site and the site with its organization.
    """
    kind, quantities = KINDS.get(device.kind, ("", frozenset()))
    if channel.quantity not in quantities:
        return None
    site = channel.site
    return ChannelFacts(
        name=str(channel.pk),
        kind=kind,
        time_zone=site.time_zone,
        country=site.country or site.organization.country,
        latitude=site.latitude if device.latitude is None else device.latitude,
        longitude=site.longitude if device.longitude is None else device.longitude,
        device={**_parameters(device), "quantity": channel.quantity},
    )


def _parameters(device: Asset) -> dict[str, float | str]:
    """Return the numbers and words of the device's own columns; what is empty is left to the model's default."""
    found: dict[str, float | str] = {}
    for name in editable_fields(type(device)):
        value = getattr(device, name) if name not in PLACE else None
        if isinstance(value, str) and value:
            found[name] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = float(value)
    return found
