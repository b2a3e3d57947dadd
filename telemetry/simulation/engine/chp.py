"""Combined heat and power unit."""

from dataclasses import dataclass, field

from telemetry.simulation.engine.surroundings import Device, Surroundings, within

LOW, HIGH, FULL = 0.35, 0.8, 0.98


@dataclass(kw_only=True)
class Chp(Device):
    """A unit that follows the heat, or its set-point while there is room for heat."""

    electric_power_kw: float
    electric_efficiency: float
    thermal_efficiency: float
    modulating: bool
    min_power_fraction: float
    on: bool = field(default=False, init=False)

    def limits_kw(self) -> tuple[float, float]:
        """Return the powers that it takes a set-point of."""
        return -self.electric_power_kw, 0.0

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power and heat."""
        share = self._share(around, setpoint_kw)
        self.on = share > 0
        made = share * self.electric_power_kw
        return {"power_kw": -made, "heat_kw": -made / self.electric_efficiency * self.thermal_efficiency}

    def _share(self, around: Surroundings, setpoint_kw: float | None) -> float:
        if around.heat_soc is not None and around.heat_soc >= FULL:
            return 0.0
        if setpoint_kw is None:
            return float(around.thermostat(self.on, LOW, HIGH))
        share = -setpoint_kw / self.electric_power_kw
        if not self.modulating:
            return float(share >= 0.5)
        return within(share, self.min_power_fraction, 1.0) if share >= self.min_power_fraction / 2 else 0.0
