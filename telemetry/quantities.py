"""What can be measured or forecast; a new quantity is one entry here.

Names are those that the devices' series have in the engine. Values are stored in the unit of the quantity and, where
they have a direction, positive for consumption and negative for production.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isinf

ELECTRIC_KINDS = frozenset(
    {
        "pv",
        "wind",
        "battery",
        "electric_vehicle",
        "heat_pump",
        "chp",
        "generator",
        "electric_load",
        "shiftable_load",
    }
)
HEAT_KINDS = frozenset({"heat_pump", "chp", "boiler", "heat_storage", "heat_load"})
POWER_UNITS = {"kW": 1.0, "W": 0.001, "MW": 1000.0}
ENERGY_UNITS = {"kWh": 1.0, "Wh": 0.001, "MWh": 1000.0}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A quantity that sites (`of_site`) or devices of some kinds (`kinds`) have.

    `units` are those that senders may use, with the factor to the first one, in which values are stored within
    `lowest`..`highest`. `directed` values are positive for consumption and negative for production.
    """

    name: str
    meaning: str
    units: Mapping[str, float]
    directed: bool = False
    lowest: float = -inf
    highest: float = inf
    of_site: bool = False
    kinds: frozenset[str] = frozenset()

    @property
    def unit(self) -> str:
        """The unit that values are stored in."""
        return next(iter(self.units))

    def fits(self, kind: str | None) -> bool:
        """Return whether a device of this kind has the quantity; None asks for the site itself."""
        return self.of_site if kind is None else kind in self.kinds

    def allowed(self, factor: float = 1.0) -> str:
        """Return the range in words, of numbers that are multiplied by `factor` before they are stored."""
        low, high = sorted((self.lowest / factor, self.highest / factor))
        if isinf(low) and isinf(high):
            return "a finite number"
        if isinf(high):
            return f"at least {low + 0.0:g}"
        if isinf(low):
            return f"at most {high + 0.0:g}" + (", as production is below zero" if factor > 0 else "")
        return f"{low + 0.0:g} to {high + 0.0:g}"


_ALL = (
    Quantity(
        name="grid_power_kw",
        meaning="Power at the grid connection: import above zero, export below",
        units=POWER_UNITS,
        directed=True,
        of_site=True,
    ),
    Quantity(name="power_kw", meaning="Electric power", units=POWER_UNITS, directed=True, kinds=ELECTRIC_KINDS),
    Quantity(
        name="import_register_kwh",
        meaning="Energy drawn since the meter began to count",
        units=ENERGY_UNITS,
        lowest=0,
        of_site=True,
        kinds=ELECTRIC_KINDS,
    ),
    Quantity(
        name="export_register_kwh",
        meaning="Energy fed in since the meter began to count",
        units=ENERGY_UNITS,
        lowest=0,
        of_site=True,
        kinds=ELECTRIC_KINDS,
    ),
    Quantity(
        name="available_power_kw",
        meaning="Electric power that a plant makes if it is not curtailed",
        units=POWER_UNITS,
        directed=True,
        highest=0,
        kinds=frozenset({"pv", "wind"}),
    ),
    Quantity(
        name="yield_kw_per_kw",
        meaning="Electric power that a plant makes per kW of its capacity if it is not curtailed",
        units={"kW/kW": 1.0, "%": 0.01},
        lowest=0,
        highest=1.5,
        kinds=frozenset({"pv", "wind"}),
    ),
    Quantity(
        name="demand_kw",
        meaning="Electric or heat demand",
        units=POWER_UNITS,
        directed=True,
        lowest=0,
        kinds=frozenset({"electric_load", "heat_load"}),
    ),
    Quantity(name="heat_kw", meaning="Heat power", units=POWER_UNITS, directed=True, kinds=HEAT_KINDS),
    Quantity(
        name="soc_percent",
        meaning="State of charge at the end of the step",
        units={"%": 1.0},
        lowest=0,
        highest=100,
        kinds=frozenset({"battery", "electric_vehicle", "heat_storage"}),
    ),
    Quantity(
        name="connected",
        meaning="Share of the step in which a vehicle is plugged in",
        units={"1": 1.0, "%": 0.01},
        lowest=0,
        highest=1,
        kinds=frozenset({"electric_vehicle"}),
    ),
    Quantity(
        name="ambient_temperature_c",
        meaning="Outside air temperature",
        units={"°C": 1.0},
        lowest=-60,
        highest=60,
        of_site=True,
        kinds=frozenset({"heat_pump"}),
    ),
    Quantity(
        name="irradiance_w_per_m2",
        meaning="Global irradiance on the horizontal",
        units={"W/m²": 1.0, "kW/m²": 1000.0},
        lowest=0,
        highest=2000,
        of_site=True,
        kinds=frozenset({"pv"}),
    ),
    Quantity(
        name="direct_normal_irradiance_w_per_m2",
        meaning="Direct irradiance on a surface that faces the sun",
        units={"W/m²": 1.0, "kW/m²": 1000.0},
        lowest=0,
        highest=2000,
        of_site=True,
    ),
    Quantity(
        name="diffuse_irradiance_w_per_m2",
        meaning="Diffuse irradiance on the horizontal",
        units={"W/m²": 1.0, "kW/m²": 1000.0},
        lowest=0,
        highest=2000,
        of_site=True,
    ),
    Quantity(
        name="wind_speed_m_per_s",
        meaning="Wind speed; of a site 10 m above the ground",
        units={"m/s": 1.0, "km/h": 1 / 3.6},
        lowest=0,
        highest=120,
        of_site=True,
        kinds=frozenset({"wind"}),
    ),
    Quantity(
        name="wind_speed_100m_m_per_s",
        meaning="Wind speed 100 m above the ground",
        units={"m/s": 1.0, "km/h": 1 / 3.6},
        lowest=0,
        highest=120,
        of_site=True,
    ),
)
QUANTITIES: Mapping[str, Quantity] = {quantity.name: quantity for quantity in _ALL}


def quantities_of(kind: str | None) -> list[Quantity]:
    """Return what a device of a kind has; None asks for the site itself."""
    return [quantity for quantity in QUANTITIES.values() if quantity.fits(kind)]
