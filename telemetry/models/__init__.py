"""Channels, what was measured of them, what was refused, and the devices that send it."""

from telemetry.models.bridge import BridgeState
from telemetry.models.channel import Channel, quantity_choices
from telemetry.models.devices import DeviceCredential, DevicePresence
from telemetry.models.readings import DeadLetter, Reading, Rollup

__all__ = [
    "BridgeState",
    "Channel",
    "DeadLetter",
    "DeviceCredential",
    "DevicePresence",
    "Reading",
    "Rollup",
    "quantity_choices",
]
