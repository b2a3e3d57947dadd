"""What a solver answers: every series of the plan, its cost, and the wishes it could not hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from optimization.engine.horizon import Horizon
from optimization.engine.series import Series

DeviceSeries = Mapping[str, Series]
SITE = "site"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of a plan in EUR by cause (exports are negative) and its CO2 in kg. Penalties are never part of it."""

    import_eur: float = 0.0
    export_eur: float = 0.0
    gas_eur: float = 0.0
    fuel_eur: float = 0.0
    wear_eur: float = 0.0
    start_eur: float = 0.0
    peak_eur: float = 0.0
    co2_kg: float = 0.0

    @property
    def total_eur(self) -> float:
        """Sum of all causes, EUR."""
        energy = self.import_eur + self.export_eur + self.gas_eur + self.fuel_eur
        return energy + self.wear_eur + self.start_eur + self.peak_eur


@dataclass(frozen=True, kw_only=True)
class Unmet:
    """A wish that a plan does not hold in one step: whose, which, when, and by how much."""

    device: str
    wish: str
    start: datetime
    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.device}: {self.wish} missed by {self.amount:.3f} {self.unit} at {self.start:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """A plan: `grid_power_kw` at the meter and named series per device, one value per step.

    Series by kind: pv, wind: power_kw, curtailed_kw; battery: power_kw, charge_kw, discharge_kw, energy_kwh,
    soc_percent; electric_vehicle: the same and connected (0 or 1); heat_pump: power_kw, heat_kw, on; chp: power_kw,
    heat_kw, gas_kw, on; boiler: heat_kw, gas_kw; heat_storage: heat_kw, energy_kwh, soc_percent; generator: power_kw,
    fuel_l_per_h, on; electric_load: power_kw; heat_load: heat_kw (what is supplied); shiftable_load: power_kw, on.

    Every electric device has `power_kw`, every heat device `heat_kw`; both are positive for consumption and negative
    for production, also for heat. Contents (`energy_kwh`, `soc_percent`) are at the end of the step.
    `heat_surplus_kw` is heat that nothing could take (0 or more, reported in `unmet`).
    `bound_eur` is the proven lower bound of the objective, `gap` the relative distance of the objective to it;
    `status` is "optimal" (within the gap asked for), "time_limit" (bound and gap are infinite where none is known),
    "heuristic" (searched to the end, not proven) or "uncontrolled" (the baseline). `extra_eur` is the part of the
    objective that a cost function given to a heuristic adds.
    """

    horizon: Horizon
    grid_power_kw: Series
    heat_surplus_kw: Series
    devices: Mapping[str, DeviceSeries]
    cost: Cost
    objective_eur: float
    solver: str
    status: str
    bound_eur: float
    gap: float
    extra_eur: float = 0.0
    unmet: tuple[Unmet, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
