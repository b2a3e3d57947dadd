"""evcc: a topic per value, bare numbers in W and %, of a whole site; discharging is above zero."""

from telemetry.engine.mapping import PRODUCTION, MappingSpec, Rule
from telemetry.engine.presets.preset import Preset
from telemetry.engine.topics import STATUS

PRESET = Preset(
    name="evcc",
    label="evcc",
    setting="mqtt: topic: <prefix>/evcc",
    mappings=(
        MappingSpec(name="evcc last will", topic="evcc/status", rules=(Rule(quantity=STATUS),)),
        MappingSpec(name="evcc grid", topic="evcc/site/grid/power", rules=(Rule(quantity="grid_power_kw", unit="W"),)),
        MappingSpec(
            name="evcc PV",
            topic="evcc/site/pvPower",
            rules=(Rule(asset="pv", quantity="power_kw", unit="W", sign=PRODUCTION),),
        ),
        MappingSpec(
            name="evcc household",
            topic="evcc/site/homePower",
            rules=(Rule(asset="household", quantity="power_kw", unit="W"),),
        ),
        MappingSpec(
            name="evcc battery power",
            topic="evcc/site/battery/power",
            rules=(Rule(asset="battery", quantity="power_kw", unit="W", sign=PRODUCTION),),
        ),
        MappingSpec(
            name="evcc battery charge",
            topic="evcc/site/battery/soc",
            rules=(Rule(asset="battery", quantity="soc_percent", unit="%"),),
        ),
        MappingSpec(
            name="evcc charging point",
            topic="evcc/loadpoints/{number}/chargePower",
            rules=(Rule(asset="charger-{number}", quantity="power_kw", unit="W"),),
        ),
        MappingSpec(
            name="evcc vehicle plugged in",
            topic="evcc/loadpoints/{number}/connected",
            rules=(Rule(asset="charger-{number}", quantity="connected"),),
        ),
    ),
)
