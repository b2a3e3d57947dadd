"""Heat-pump performance by ambient and supply temperature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimization.engine.errors import ProblemError
from optimization.engine.series import Series, as_series

KELVIN = 273.15
RATING_AMBIENT_C = 2.0
CUBIC = 3


def _cubic(x: Sequence[float] | Series, y: Series, at: float | Series) -> Series:
    """Evaluate the ordinary least-squares cubic through (x, y); a lower degree where there are too few points."""
    centre = float(np.mean(x))
    degree = min(CUBIC, len(x) - 1)
    coefficients = np.polyfit(np.asarray(x) - centre, y, degree)
    return np.asarray(np.polyval(coefficients, np.asarray(at, dtype=np.float64) - centre), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class HeatPumpMap:
    """Measured operating points: rows are supply temperatures, columns ambient temperatures, in °C.

    `electric_kw` and `heat_kw` have one row per supply temperature. Only their shape counts: the map is scaled so
    that the electric power at +2 °C ambient equals the rated power.
    Method: section a.2 of the OpenTUMFlex 1.0 description (least-squares cubics along both temperatures).
    """

    supply_c: tuple[float, ...]
    ambient_c: tuple[float, ...]
    electric_kw: tuple[tuple[float, ...], ...]
    heat_kw: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        shape = (len(self.supply_c), len(self.ambient_c))
        for field in ("electric_kw", "heat_kw"):
            table = np.array(getattr(self, field), dtype=np.float64)
            if table.shape != shape:
                raise ProblemError(f"heat_pump_map.{field}", f"{table.shape} values", f"{shape} values")
            as_series(table.reshape(-1), f"heat_pump_map.{field}", minimum=1e-9)
        for field in ("supply_c", "ambient_c"):
            if list(getattr(self, field)) != sorted(set(getattr(self, field))):
                raise ProblemError(f"heat_pump_map.{field}", getattr(self, field), "rising temperatures")

    def at_supply(self, supply_temperature_c: float) -> tuple[Series, Series, Series]:
        """Return (supply temperatures, electric table, COP table) with a smoothed row at this supply temperature."""
        electric = np.array(self.electric_kw, dtype=np.float64)
        heat = np.array(self.heat_kw, dtype=np.float64)
        electric_row = np.array([_cubic(self.supply_c, column, supply_temperature_c) for column in electric.T])
        heat_row = np.array([_cubic(self.supply_c, column, supply_temperature_c) for column in heat.T])
        supply = np.array(self.supply_c)
        place = int(np.searchsorted(supply, supply_temperature_c))
        if place < len(supply) and supply[place] == supply_temperature_c:
            electric[place], heat[place] = electric_row, heat_row
        else:
            supply = np.insert(supply, place, supply_temperature_c)
            electric = np.insert(electric, place, electric_row, axis=0)
            heat = np.insert(heat, place, heat_row, axis=0)
        return supply, electric, heat / electric

    def performance(
        self, rated_power_kw: float, supply_temperature_c: float, ambient_temperature_c: Series
    ) -> tuple[Series, Series]:
        """Return electric power in kW and COP when on at full power, one value per ambient temperature.

        Ambient temperatures outside the map take the value at its edge: a cubic continued there turns upward.
        """
        supply, electric, cop = self.at_supply(supply_temperature_c)
        row = int(np.searchsorted(supply, supply_temperature_c))
        scale = rated_power_kw / self._at_rating(electric[row])
        ambient = np.clip(ambient_temperature_c, self.ambient_c[0], self.ambient_c[-1])
        return _cubic(self.ambient_c, electric[row] * scale, ambient), _cubic(self.ambient_c, cop[row], ambient)

    def _at_rating(self, row: Series) -> float:
        if RATING_AMBIENT_C in self.ambient_c:
            return float(row[self.ambient_c.index(RATING_AMBIENT_C)])
        return float(_cubic(self.ambient_c, row, RATING_AMBIENT_C))


TYPICAL_AIR_WATER = HeatPumpMap(
    supply_c=(15.0, 35.0, 45.0, 55.0, 60.0),
    ambient_c=(-7.0, 2.0, 7.0, 15.0, 20.0),
    electric_kw=(
        (1.5, 1.6, 1.6, 1.7, 1.8),
        (1.8, 1.9, 2.0, 2.1, 2.2),
        (1.9, 2.1, 2.3, 2.5, 2.6),
        (2.0, 2.1, 2.4, 2.7, 2.9),
        (2.1, 2.1, 2.4, 2.8, 3.0),
    ),
    heat_kw=(
        (6.0, 7.5, 9.0, 10.7, 11.7),
        (5.2, 6.5, 8.0, 9.7, 10.5),
        (4.8, 6.0, 7.5, 9.2, 9.9),
        (4.2, 5.3, 6.8, 8.4, 9.2),
        (3.9, 5.0, 6.5, 8.0, 8.9),
    ),
)
