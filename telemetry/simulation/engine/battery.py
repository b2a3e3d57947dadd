"""Stationary battery."""

from dataclasses import dataclass, field

from telemetry.simulation.engine.storage import Content
from telemetry.simulation.engine.surroundings import Device, Surroundings, within


@dataclass(kw_only=True)
class Battery(Device):
    """A battery that obeys its set-point; without one it takes the site's surplus and covers what the site lacks."""

    ORDER = 2

    capacity_kwh: float
    charge_power_kw: float
    discharge_power_kw: float
    charge_efficiency: float
    discharge_efficiency: float
    initial_soc_percent: float
    min_soc_percent: float
    max_soc_percent: float
    content: Content = field(init=False)

    def __post_init__(self) -> None:
        self.content = Content(
            self.capacity_kwh,
            self.charge_efficiency,
            self.discharge_efficiency,
            self.capacity_kwh * self.initial_soc_percent / 100,
        )

    def limits_kw(self) -> tuple[float, float]:
        """Return the powers that it takes a set-point of."""
        return -self.discharge_power_kw, self.charge_power_kw

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power and state of charge."""
        wanted = -around.residual_kw if setpoint_kw is None else setpoint_kw
        power = within(wanted, *self.limits_kw())
        power = self.content.take(power, self.min_soc_percent, self.max_soc_percent, seconds)
        return {"power_kw": power, "soc_percent": self.content.soc_percent}
