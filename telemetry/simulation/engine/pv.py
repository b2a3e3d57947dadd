"""Photovoltaics under moving clouds."""

from dataclasses import dataclass

from telemetry.simulation.engine.surroundings import Device, Surroundings

PERFORMANCE = 0.85


@dataclass(kw_only=True)
class Photovoltaic(Device):
    """A plant that makes what the sun gives."""

    capacity_kw: float

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power."""
        made = self.capacity_kw * min(PERFORMANCE * around.weather.irradiance_w_per_m2 / 1000, 1.0)
        return {"power_kw": -made, "available_power_kw": -made}
