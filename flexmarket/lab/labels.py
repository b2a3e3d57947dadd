"""What numbers of a problem are called: words and unit, from the names that carry both."""

import re
from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from flexmarket.lab.numbers import Number

GROUP_LABELS: Mapping[str, str | Promise] = {
    "prices": gettext_lazy("Prices"),
    "emissions": gettext_lazy("Emissions"),
    "connection": gettext_lazy("Grid connection"),
    "objective": gettext_lazy("Goal"),
}
# The longest ending that fits is the unit.
UNITS: Mapping[str, str] = {
    "_eur_per_kwh": "EUR/kWh",
    "_eur_per_kw": "EUR/kW",
    "_eur_per_kg": "EUR/kg",
    "_eur_per_l": "EUR/l",
    "_kg_per_kwh": "kg/kWh",
    "_kg_per_l": "kg/l",
    "_kw_per_minute": "kW/min",
    "_kw_per_kw": "kW/kW",
    "_percent_per_day": "%/d",
    "_percent": "%",
    "_minutes": "min",
    "_eur": "EUR",
    "_kwh": "kWh",
    "_kw": "kW",
    "_c": "°C",
}
INDEX = re.compile(r"\[(\d+)\]")


def label_of(number: Number) -> str:
    """Return the words for a number, without its unit."""
    name = number.field
    ending = _ending(name)
    words = name.removesuffix(ending).replace("_", " ").replace("soc", "SoC").replace(".", " ")
    words = INDEX.sub(lambda found: f" {int(found[1]) + 1},", words).rstrip(",")
    words = words[:1].upper() + words[1:]
    return _("{series}, factor").format(series=words) if number.scales else words


def unit_of(number: Number) -> str:
    """Return the unit of a number; that of a factor is "×"."""
    return "×" if number.scales else UNITS.get(_ending(number.field), "")


def described(name: str) -> str:
    """Return a changed number in words, such as "bat: Capacity (kWh)"."""
    scaled = name.removeprefix("scale:")
    owner = scaled.partition(".")[0]
    number = Number(name, owner, 0.0)
    unit = unit_of(number)
    label = str(GROUP_LABELS.get(owner, owner))
    return f"{label}: {label_of(number)}" + (f" ({unit})" if unit else "")


def _ending(name: str) -> str:
    return next((ending for ending in sorted(UNITS, key=len, reverse=True) if name.endswith(ending)), "")
