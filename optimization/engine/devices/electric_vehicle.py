"""Electric vehicle with any number of stays at the charger."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from optimization.engine.checks import require_between, require_ordered
from optimization.engine.devices.base import Device
from optimization.engine.errors import ProblemError


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A stay at the charger, from `arrival` to `departure` (aware times).

    The content on arrival is `arrival_soc_percent`, or else what the previous stay left minus `trip_energy_kwh`.
    `departure_soc_percent` is a wish; None asks for nothing.
    """

    arrival: datetime
    departure: datetime
    arrival_soc_percent: float | None = None
    departure_soc_percent: float | None = None
    trip_energy_kwh: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ElectricVehicle(Device):
    """A car and its charger. `discharge_power_kw` above 0 allows vehicle-to-grid.

    While it charges it draws at least `min_charge_power_kw`. Powers count at the AC side, contents inside.
    Raises ProblemError for stays that overlap, end before they start or start without a known content.
    """

    kind: ClassVar[str] = "electric_vehicle"

    capacity_kwh: float
    charge_power_kw: float
    stays: tuple[Stay, ...]
    discharge_power_kw: float = 0.0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    min_charge_power_kw: float = 0.0
    min_soc_percent: float = 0.0
    max_soc_percent: float = 100.0
    wear_cost_eur_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_between(self.field("capacity_kwh"), self.capacity_kwh, 0, above=True)
        require_between(self.field("charge_power_kw"), self.charge_power_kw, 0)
        require_between(self.field("discharge_power_kw"), self.discharge_power_kw, 0)
        require_between(self.field("charge_efficiency"), self.charge_efficiency, 0, 1, above=True)
        require_between(self.field("discharge_efficiency"), self.discharge_efficiency, 0, 1, above=True)
        require_between(self.field("min_charge_power_kw"), self.min_charge_power_kw, 0, self.charge_power_kw)
        require_between(self.field("min_soc_percent"), self.min_soc_percent, 0, 100)
        require_between(self.field("max_soc_percent"), self.max_soc_percent, 0, 100)
        require_ordered(self.field("min_soc_percent"), self.min_soc_percent, "max_soc_percent", self.max_soc_percent)
        require_between(self.field("wear_cost_eur_per_kwh"), self.wear_cost_eur_per_kwh, 0)
        for index, stay in enumerate(self.stays):
            self._check_stay(index, stay)

    def _check_stay(self, index: int, stay: Stay) -> None:
        field = self.field(f"stays[{index}]")
        if stay.arrival.tzinfo is None or stay.departure.tzinfo is None:
            raise ProblemError(f"{field}.arrival", stay.arrival, "a time with a time zone")
        if stay.departure <= stay.arrival:
            raise ProblemError(f"{field}.departure", stay.departure, f"later than the arrival ({stay.arrival})")
        if index and stay.arrival < self.stays[index - 1].departure:
            before = self.stays[index - 1].departure
            raise ProblemError(f"{field}.arrival", stay.arrival, f"not before the previous departure ({before})")
        if stay.arrival_soc_percent is not None:
            require_between(f"{field}.arrival_soc_percent", stay.arrival_soc_percent, 0, 100)
        if stay.departure_soc_percent is not None:
            require_between(f"{field}.departure_soc_percent", stay.departure_soc_percent, 0, 100)
        if stay.trip_energy_kwh is not None:
            require_between(f"{field}.trip_energy_kwh", stay.trip_energy_kwh, 0)
        if stay.arrival_soc_percent is None and (index == 0 or stay.trip_energy_kwh is None):
            allowed = "0 to 100" if index == 0 else "0 to 100, or a trip_energy_kwh instead"
            raise ProblemError(f"{field}.arrival_soc_percent", "missing", allowed)
