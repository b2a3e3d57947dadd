"""OpenEMS Edge: a topic per channel with a bare value in W or %; discharging is above zero."""

from telemetry.engine.mapping import PRODUCTION, MappingSpec, Rule
from telemetry.engine.presets.preset import Preset

SUM = "edge/{edge}/channel/_sum"
PRESET = Preset(
    name="openems",
    label="OpenEMS",
    setting="Controller Api MQTT: topic prefix <prefix>",
    mappings=(
        MappingSpec(
            name="OpenEMS grid",
            topic=f"{SUM}/GridActivePower",
            rules=(Rule(quantity="grid_power_kw", unit="W"),),
        ),
        MappingSpec(
            name="OpenEMS PV",
            topic=f"{SUM}/ProductionActivePower",
            rules=(Rule(asset="pv", quantity="power_kw", unit="W", sign=PRODUCTION),),
        ),
        MappingSpec(
            name="OpenEMS household",
            topic=f"{SUM}/ConsumptionActivePower",
            rules=(Rule(asset="household", quantity="power_kw", unit="W"),),
        ),
        MappingSpec(
            name="OpenEMS battery power",
            topic=f"{SUM}/EssActivePower",
            rules=(Rule(asset="battery", quantity="power_kw", unit="W", sign=PRODUCTION),),
        ),
        MappingSpec(
            name="OpenEMS battery charge",
            topic=f"{SUM}/EssSoc",
            rules=(Rule(asset="battery", quantity="soc_percent", unit="%"),),
        ),
    ),
)
