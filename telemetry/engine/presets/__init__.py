"""Mappings for what is on the market, ready to be adapted; a new one is one file and one line here."""

from collections.abc import Mapping

from telemetry.engine.presets import evcc, openems, shelly, tasmota, victron
from telemetry.engine.presets.preset import Preset

__all__ = ["PRESETS", "Preset"]

_ALL = (tasmota.PRESET, shelly.PRESET, evcc.PRESET, openems.PRESET, victron.PRESET)
PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ALL}
