"""Writes of channels, readings and devices: keyword-only verbs, one transaction each, audited; errors by field.

Channels and credentials need `audit.acting(...)` and the scope of the organization around them. Readings come in such
numbers that they leave no audit events: what was received, and when, stands in the rows themselves.
"""

from telemetry.services.channels import create_channel, delete_channel, ensure_channels, update_channel
from telemetry.services.deliveries import ReadingSeries, receive_readings
from telemetry.services.devices import create_credential, revoke_credential, rotate_credential
from telemetry.services.letters import discard_letter, replay_letter
from telemetry.services.plan_dispatch import sites_with_dispatch, switch_plans
from telemetry.services.readings import store_readings
from telemetry.services.references import Reference
from telemetry.services.setpoints import NewSetpoint, cancel_setpoint, queue_setpoints

__all__ = [
    "NewSetpoint",
    "ReadingSeries",
    "Reference",
    "cancel_setpoint",
    "create_channel",
    "create_credential",
    "delete_channel",
    "discard_letter",
    "ensure_channels",
    "queue_setpoints",
    "receive_readings",
    "replay_letter",
    "revoke_credential",
    "rotate_credential",
    "sites_with_dispatch",
    "store_readings",
    "switch_plans",
    "update_channel",
]
