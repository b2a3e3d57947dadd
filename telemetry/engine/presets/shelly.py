"""Shelly, second generation and later: a notification names only what changed; or a topic per component."""

from telemetry.engine.mapping import MappingSpec, Rule
from telemetry.engine.presets.preset import Preset
from telemetry.engine.topics import STATUS

PRESET = Preset(
    name="shelly",
    label="Shelly Gen2",
    setting="MQTT prefix <prefix>/<name of the device>; RPC status notifications, or generic status updates",
    mappings=(
        MappingSpec(
            name="Shelly notifications",
            topic="{device}/events/rpc",
            time_path="params.ts",
            rules=(
                Rule(asset="{device}", quantity="power_kw", path="params.em:0.total_act_power", unit="W"),
                Rule(asset="{device}", quantity="power_kw", path="params.em1:0.act_power", unit="W"),
                Rule(asset="{device}", quantity="power_kw", path="params.pm1:0.apower", unit="W"),
                Rule(asset="{device}", quantity="power_kw", path="params.switch:0.apower", unit="W"),
                Rule(asset="{device}", quantity="import_register_kwh", path="params.switch:0.aenergy.total", unit="Wh"),
            ),
        ),
        MappingSpec(
            name="Shelly meter status",
            topic="{device}/status/em:0",
            rules=(Rule(asset="{device}", quantity="power_kw", path="total_act_power", unit="W"),),
        ),
        MappingSpec(
            name="Shelly single meter status",
            topic="{device}/status/em1:0",
            rules=(Rule(asset="{device}", quantity="power_kw", path="act_power", unit="W"),),
        ),
        MappingSpec(
            name="Shelly switch status",
            topic="{device}/status/switch:0",
            rules=(
                Rule(asset="{device}", quantity="power_kw", path="apower", unit="W"),
                Rule(asset="{device}", quantity="import_register_kwh", path="aenergy.total", unit="Wh"),
            ),
        ),
        MappingSpec(name="Shelly last will", topic="{device}/online", rules=(Rule(asset="{device}", quantity=STATUS),)),
        MappingSpec(
            name="Shelly meter energy",
            topic="{device}/status/emdata:0",
            rules=(
                Rule(asset="{device}", quantity="import_register_kwh", path="total_act", unit="Wh"),
                Rule(asset="{device}", quantity="export_register_kwh", path="total_act_ret", unit="Wh"),
            ),
        ),
    ),
)
