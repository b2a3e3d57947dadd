"""Heat pump."""

from dataclasses import dataclass, field

from telemetry.simulation.engine.surroundings import Device, Surroundings, within

KELVIN = 273.15
SHARE_OF_CARNOT = 0.45
LOW, HIGH, FULL = 0.4, 0.75, 0.98


@dataclass(kw_only=True)
class HeatPump(Device):
    """A heat pump that keeps the store warm, or runs as its set-point says while there is room for heat."""

    rated_power_kw: float
    supply_temperature_c: float
    modulating: bool
    min_power_fraction: float
    on: bool = field(default=False, init=False)

    def limits_kw(self) -> tuple[float, float]:
        """Return the powers that it takes a set-point of; cold air may make it take more than its rated one."""
        return 0.0, 2 * self.rated_power_kw

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power and heat."""
        share = self._share(around, setpoint_kw)
        self.on = share > 0
        power = share * self.rated_power_kw
        return {"power_kw": power, "heat_kw": -power * self.performance(around.weather.ambient_temperature_c)}

    def performance(self, ambient_c: float) -> float:
        """Return the heat per electricity at an air temperature."""
        lift = max(self.supply_temperature_c - ambient_c, 10.0)
        return SHARE_OF_CARNOT * (self.supply_temperature_c + KELVIN) / lift

    def _share(self, around: Surroundings, setpoint_kw: float | None) -> float:
        if around.heat_soc is not None and around.heat_soc >= FULL:
            return 0.0
        if setpoint_kw is None:
            return float(around.thermostat(self.on, LOW, HIGH))
        share = setpoint_kw / self.rated_power_kw
        if not self.modulating:
            return float(share >= 0.5)
        return within(share, self.min_power_fraction, 1.0) if share >= self.min_power_fraction / 2 else 0.0
