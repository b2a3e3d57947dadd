"""Tasmota: plugs and meters that tell their state every five minutes, in local time without a zone."""

from telemetry.engine.mapping import MappingSpec, Rule
from telemetry.engine.presets.preset import Preset
from telemetry.engine.topics import STATUS

PRESET = Preset(
    name="tasmota",
    label="Tasmota",
    setting="FullTopic <prefix>/%prefix%/%topic%/; the device here has the name of %topic%",
    mappings=(
        MappingSpec(
            name="Tasmota energy",
            topic="tele/{device}/SENSOR",
            time_path="Time",
            rules=(
                Rule(asset="{device}", quantity="power_kw", path="ENERGY.Power", unit="W"),
                Rule(asset="{device}", quantity="import_register_kwh", path="ENERGY.Total", unit="kWh"),
            ),
        ),
        MappingSpec(
            name="Tasmota last will",
            topic="tele/{device}/LWT",
            rules=(Rule(asset="{device}", quantity=STATUS),),
        ),
    ),
)
