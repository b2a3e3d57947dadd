"""Channels, what was measured of them, what was refused, the devices that send it, and what these are told."""

from telemetry.models.bridge import BridgeState
from telemetry.models.channel import Channel, quantity_choices
from telemetry.models.devices import DeviceCredential, DevicePresence
from telemetry.models.mappings import ChannelProposal, Mapping, MappingRule, RecentMessage
from telemetry.models.readings import DeadLetter, QuarterMark, Reading, Rollup
from telemetry.models.retention import Retention
from telemetry.models.setpoints import PlanDispatch, Setpoint

__all__ = [
    "BridgeState",
    "Channel",
    "ChannelProposal",
    "DeadLetter",
    "DeviceCredential",
    "DevicePresence",
    "Mapping",
    "MappingRule",
    "PlanDispatch",
    "QuarterMark",
    "Reading",
    "RecentMessage",
    "Retention",
    "Rollup",
    "Setpoint",
    "quantity_choices",
]
