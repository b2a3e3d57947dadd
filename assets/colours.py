"""One colour per device kind, the same in every chart, table and map; told apart by people with colour blindness."""

KIND_COLOURS: dict[str, str] = {
    "pv": "#e69f00",
    "wind": "#56b4e9",
    "battery": "#009e73",
    "electric_vehicle": "#0072b2",
    "heat_pump": "#d55e00",
    "chp": "#cc79a7",
    "boiler": "#a0522d",
    "heat_storage": "#5d3a9b",
    "generator": "#7f7f00",
    "electric_load": "#b8bec6",
    "heat_load": "#c9b8b0",
    "shiftable_load": "#40b0a6",
}
OTHER_COLOUR = "#6c757d"
LINE_COLOUR = "#182433"


def of_kind(kind: str) -> str:
    """Return the colour of a device kind."""
    return KIND_COLOURS.get(kind, OTHER_COLOUR)
