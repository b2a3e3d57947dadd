"""Writes of channels, readings and devices: keyword-only verbs, one transaction each, audited; errors by field.

Channels and credentials need `audit.acting(...)` and the scope of the organization around them. Readings come in such
numbers that they leave no audit events: what was received, and when, stands in the rows themselves.
"""

from telemetry.services.channels import create_channel, delete_channel, ensure_channels, update_channel
from telemetry.services.deliveries import ReadingSeries, receive_readings
from telemetry.services.devices import create_credential, revoke_credential, rotate_credential
from telemetry.services.letters import discard_letter, replay_letter
from telemetry.services.readings import store_readings
from telemetry.services.references import Reference

__all__ = [
    "ReadingSeries",
    "Reference",
    "create_channel",
    "create_credential",
    "delete_channel",
    "discard_letter",
    "ensure_channels",
    "receive_readings",
    "replay_letter",
    "revoke_credential",
    "rotate_credential",
    "store_readings",
    "update_channel",
]
