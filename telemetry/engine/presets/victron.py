"""Victron Venus: a topic per value as `{"value": x}`, null where it is invalid; charging is above zero.

Venus falls silent without a keep-alive every minute, which a program at the site has to send.
"""

from telemetry.engine.mapping import PRODUCTION, MappingSpec, Rule
from telemetry.engine.presets.preset import Preset

PRESET = Preset(
    name="victron",
    label="Victron Venus",
    setting="A bridge of the site's own broker: topic N/# out 1 '' <prefix>/; it also sends R/<portal>/keepalive",
    mappings=(
        MappingSpec(
            name="Victron grid",
            topic="N/{portal}/grid/{instance}/Ac/Power",
            rules=(Rule(quantity="grid_power_kw", path="value", unit="W"),),
        ),
        MappingSpec(
            name="Victron PV",
            topic="N/{portal}/pvinverter/{instance}/Ac/Power",
            rules=(Rule(asset="pv", quantity="power_kw", path="value", unit="W", sign=PRODUCTION),),
        ),
        MappingSpec(
            name="Victron battery power",
            topic="N/{portal}/system/{instance}/Dc/Battery/Power",
            rules=(Rule(asset="battery", quantity="power_kw", path="value", unit="W"),),
        ),
        MappingSpec(
            name="Victron battery charge",
            topic="N/{portal}/system/{instance}/Dc/Battery/Soc",
            rules=(Rule(asset="battery", quantity="soc_percent", path="value", unit="%"),),
        ),
    ),
)
