"""How each device kind looks, the same in every chart, table and map.

The colours themselves are CSS variables in `portal.css`, once for light and once for dark; charts.js and map.js read
them there. People with colour blindness can tell them apart, and every kind has an icon besides.
"""

KIND_ICONS: dict[str, str] = {
    "pv": "solar-panel",
    "wind": "windmill",
    "battery": "battery-3",
    "electric_vehicle": "car",
    "heat_pump": "air-conditioning",
    "chp": "engine",
    "boiler": "flame",
    "heat_storage": "cylinder",
    "generator": "gas-station",
    "electric_load": "plug",
    "heat_load": "temperature-plus",
    "shiftable_load": "wash-machine",
}
OTHER_ICON = "bolt"
OTHER_COLOUR = "--fp-other"
LINE_COLOUR = "--fp-line"


def of_kind(kind: str) -> str:
    """Return the CSS variable with the colour of a device kind."""
    return f"--fp-kind-{kind}" if kind in KIND_ICONS else OTHER_COLOUR


def icon_of_kind(kind: str) -> str:
    """Return the name of the icon of a device kind."""
    return KIND_ICONS.get(kind, OTHER_ICON)
