"""What makes and keeps heat without electricity."""

from dataclasses import dataclass, field

from telemetry.simulation.engine.surroundings import HOUR_SECONDS, Device, Surroundings, within

LOW, HIGH = 0.15, 0.35
DAY_HOURS = 24.0


@dataclass(kw_only=True)
class Boiler(Device):
    """A boiler that helps out when the store gets cold."""

    ORDER = 1

    heat_power_kw: float
    on: bool = field(default=False, init=False)

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its heat."""
        self.on = around.thermostat(self.on, LOW, HIGH)
        needed = self.heat_power_kw if around.heat_soc is not None else around.heat_wanted_kw
        return {"heat_kw": -min(needed, self.heat_power_kw) if self.on else 0.0}


@dataclass(kw_only=True)
class HeatStorage(Device):
    """A store that takes what is made too much and gives what is missing; it goes last."""

    ORDER = 3

    capacity_kwh: float
    initial_soc_percent: float
    loss_percent_per_day: float
    energy_kwh: float = field(init=False)

    def __post_init__(self) -> None:
        self.energy_kwh = self.capacity_kwh * self.initial_soc_percent / 100

    @property
    def soc(self) -> float:
        """Its content, 0 to 1."""
        return self.energy_kwh / self.capacity_kwh

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return the heat that it takes, and its content."""
        hours = seconds / HOUR_SECONDS
        self.energy_kwh *= 1 - self.loss_percent_per_day / 100 / DAY_HOURS * hours
        room, stock = (self.capacity_kwh - self.energy_kwh) / hours, self.energy_kwh / hours
        heat = within(-around.heat_wanted_kw, -stock, room)
        self.energy_kwh = within(self.energy_kwh + heat * hours, 0.0, self.capacity_kwh)
        return {"heat_kw": heat, "soc_percent": 100 * self.soc}
