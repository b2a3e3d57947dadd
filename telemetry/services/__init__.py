"""Writes of channels: keyword-only verbs, one transaction each, audited; errors by field.

All of them need `audit.acting(...)` and the scope of the organization around them.
"""

from telemetry.services.channels import create_channel, delete_channel, ensure_channels, update_channel
from telemetry.services.references import Reference

__all__ = ["Reference", "create_channel", "delete_channel", "ensure_channels", "update_channel"]
