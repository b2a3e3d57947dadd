"""Telemetry in the API: readings, what was refused, and the devices' credentials."""

from telemetry.api.devices import DeviceCredentialViewSet
from telemetry.api.letters import DeadLetterViewSet
from telemetry.api.readings import ReadingViewSet
from telemetry.api.setpoints import SetpointViewSet

__all__ = ["DeadLetterViewSet", "DeviceCredentialViewSet", "ReadingViewSet", "SetpointViewSet"]
