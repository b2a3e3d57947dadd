"""Electric vehicle that comes and goes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from telemetry.simulation.engine.storage import Content
from telemetry.simulation.engine.surroundings import Device, Surroundings, within

DAY = timedelta(days=1)
USUAL_SOC_PERCENT = 50.0


@dataclass(frozen=True, kw_only=True)
class Stay:
    """When it stands at the charger, in local time, and with what content it comes."""

    weekday: int | None
    arrival: time
    departure: time
    arrival_soc_percent: float | None
    trip_energy_kwh: float | None

    def holds(self, local: datetime) -> bool:
        """Return whether it stands at the charger at a local time."""
        return any(self._of_day(local, day) for day in (local.date(), local.date() - DAY))

    def _of_day(self, local: datetime, day: object) -> bool:
        begin = datetime.combine(day, self.arrival, local.tzinfo)  # type: ignore[arg-type]
        end = datetime.combine(begin.date(), self.departure, local.tzinfo)
        end = end if end > begin else end + DAY
        return self.weekday in (None, begin.weekday()) and begin <= local < end


@dataclass(kw_only=True)
class ElectricVehicle(Device):
    """A car that charges at once while it is there, unless a set-point says otherwise."""

    capacity_kwh: float
    charge_power_kw: float
    discharge_power_kw: float
    charge_efficiency: float
    discharge_efficiency: float
    min_charge_power_kw: float
    min_soc_percent: float
    max_soc_percent: float
    stays: Sequence[Stay] = ()
    content: Content = field(init=False)
    connected: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        start = self.capacity_kwh * USUAL_SOC_PERCENT / 100
        self.content = Content(self.capacity_kwh, self.charge_efficiency, self.discharge_efficiency, start)

    def limits_kw(self) -> tuple[float, float]:
        """Return the powers that it takes a set-point of."""
        return -self.discharge_power_kw, self.charge_power_kw

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power and state of charge, and whether it is there."""
        stay = next((each for each in self.stays if each.holds(around.local)), None)
        if stay is not None and not self.connected:
            self._arrive(stay)
        self.connected = stay is not None
        power = self._charge(setpoint_kw, seconds) if self.connected else 0.0
        return {"power_kw": power, "soc_percent": self.content.soc_percent, "connected": float(self.connected)}

    def _arrive(self, stay: Stay) -> None:
        if stay.arrival_soc_percent is not None:
            self.content.energy_kwh = self.capacity_kwh * stay.arrival_soc_percent / 100
        elif stay.trip_energy_kwh is not None:
            self.content.energy_kwh = max(self.content.energy_kwh - stay.trip_energy_kwh, 0.0)

    def _charge(self, setpoint_kw: float | None, seconds: float) -> float:
        wanted = within(self.charge_power_kw if setpoint_kw is None else setpoint_kw, *self.limits_kw())
        if 0 < wanted < self.min_charge_power_kw:
            wanted = 0.0
        return self.content.take(wanted, self.min_soc_percent, self.max_soc_percent, seconds)
