"""Wind turbine."""

from dataclasses import dataclass

from telemetry.simulation.engine.surroundings import Device, Surroundings

CUT_IN, RATED, CUT_OUT = 3.0, 12.0, 25.0


@dataclass(kw_only=True)
class Wind(Device):
    """A turbine whose power rises with the cube of the wind up to its rated one."""

    capacity_kw: float

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power."""
        speed = around.weather.wind_speed_m_per_s
        share = (speed**3 - CUT_IN**3) / (RATED**3 - CUT_IN**3) if CUT_IN <= speed < CUT_OUT else 0.0
        made = self.capacity_kw * min(share, 1.0)
        return {"power_kw": -made, "available_power_kw": -made}
