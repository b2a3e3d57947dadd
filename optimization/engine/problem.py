"""What is to be planned: a site's devices, prices, limits and goal over a horizon."""

from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from optimization.engine.checks import require_between
from optimization.engine.devices.base import Device
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Horizon
from optimization.engine.series import Series, SeriesLike, as_series, checked, fit_to


@dataclass(frozen=True, kw_only=True, eq=False)
class Prices:
    """Prices per step, as the site pays or is paid them; a single value holds for every step.

    `peak_eur_per_kw` is paid on what the highest import exceeds `peak_so_far_kw`.
    """

    import_eur_per_kwh: SeriesLike
    export_eur_per_kwh: SeriesLike = 0.0
    gas_eur_per_kwh: SeriesLike = 0.0
    fuel_eur_per_l: SeriesLike = 0.0
    peak_eur_per_kw: float = 0.0
    peak_so_far_kw: float = 0.0

    def __post_init__(self) -> None:
        for name in ("import_eur_per_kwh", "export_eur_per_kwh", "gas_eur_per_kwh", "fuel_eur_per_l"):
            object.__setattr__(self, name, as_series(getattr(self, name), f"prices.{name}"))
        require_between("prices.peak_eur_per_kw", self.peak_eur_per_kw, 0)
        require_between("prices.peak_so_far_kw", self.peak_so_far_kw, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Emissions:
    """CO2 per kWh imported (per step), per kWh of gas and per litre of fuel (defaults: natural gas, diesel)."""

    import_kg_per_kwh: SeriesLike = 0.0
    gas_kg_per_kwh: float = 0.201
    fuel_kg_per_l: float = 2.65

    def __post_init__(self) -> None:
        series = as_series(self.import_kg_per_kwh, "emissions.import_kg_per_kwh", minimum=0)
        object.__setattr__(self, "import_kg_per_kwh", series)
        require_between("emissions.gas_kg_per_kwh", self.gas_kg_per_kwh, 0)
        require_between("emissions.fuel_kg_per_l", self.fuel_kg_per_l, 0)


@dataclass(frozen=True, kw_only=True)
class GridConnection:
    """The meter: limits in kW (None: only what the devices can draw or give), both wishes.

    A meter never imports and exports in the same step, so price arbitrage at it is impossible.
    """

    import_limit_kw: float | None = None
    export_limit_kw: float | None = None

    def __post_init__(self) -> None:
        for name in ("import_limit_kw", "export_limit_kw"):
            limit = getattr(self, name)
            if limit is not None:
                require_between(f"connection.{name}", limit, 0)


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Minimise `cost_weight` times cost plus `co2_eur_per_kg` times CO2."""

    cost_weight: float = 1.0
    co2_eur_per_kg: float = 0.0

    def __post_init__(self) -> None:
        require_between("objective.cost_weight", self.cost_weight, 0)
        require_between("objective.co2_eur_per_kg", self.co2_eur_per_kg, 0)
        if self.cost_weight == 0 and self.co2_eur_per_kg == 0:
            raise ProblemError("objective.cost_weight", 0, "more than 0 where co2_eur_per_kg is 0")


Group = TypeVar("Group", Prices, Emissions)


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteProblem:
    """One site over one horizon; every series is brought to one value per step.

    Raises:
        ProblemError: for a series of another length, two devices of one name, or devices that contradict each other.
    """

    horizon: Horizon
    devices: tuple[Device, ...]
    prices: Prices
    connection: GridConnection = GridConnection()
    emissions: Emissions = Emissions()
    objective: Objective = Objective()
    name: str = "site"

    def __post_init__(self) -> None:
        for device in self.devices:
            if not isinstance(device, Device):
                raise ProblemError("devices", repr(device), "devices of the kinds in optimization.engine.devices")
        repeated = [name for name, times in Counter(device.name for device in self.devices).items() if times > 1]
        if repeated:
            raise ProblemError("devices", f"two devices named {repeated[0]}", "a name of its own for each device")
        object.__setattr__(self, "prices", self._fitted(self.prices, "prices"))
        object.__setattr__(self, "emissions", self._fitted(self.emissions, "emissions"))
        object.__setattr__(self, "devices", tuple(device.fitted(self.horizon) for device in self.devices))

    def _fitted(self, group: Group, label: str) -> Group:
        series: dict[str, Any] = {
            field.name: fit_to(value, self.horizon.count, f"{label}.{field.name}")
            for field in fields(group)
            if isinstance(value := getattr(group, field.name), np.ndarray)
        }
        return replace(group, **series)

    def device(self, name: str) -> Device:
        """Return the device of this name.

        Raises:
            KeyError: when there is none.
        """
        for device in self.devices:
            if device.name == name:
                return device
        raise KeyError(name)

    def price(self, name: str) -> Series:
        """Return a price series by its field name, one value per step."""
        return checked(getattr(self.prices, name))
