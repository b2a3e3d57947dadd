"""Generator."""

from dataclasses import dataclass, field

from telemetry.simulation.engine.surroundings import Device, Surroundings, within

MINUTE_SECONDS = 60.0


@dataclass(kw_only=True)
class Generator(Device):
    """A generator that stands still until a set-point starts it, and moves no faster than it can."""

    power_kw: float
    min_power_kw: float
    ramp_kw_per_minute: float | None
    made_kw: float = field(default=0.0, init=False)

    def limits_kw(self) -> tuple[float, float]:
        """Return the powers that it takes a set-point of."""
        return -self.power_kw, 0.0

    def step(self, around: Surroundings, seconds: float, setpoint_kw: float | None) -> dict[str, float]:
        """Return its power."""
        wanted = -(setpoint_kw or 0.0)
        runs = wanted > 0 and wanted >= self.min_power_kw / 2
        wanted = within(wanted, self.min_power_kw, self.power_kw) if runs else 0.0
        if self.ramp_kw_per_minute is not None and runs:
            most = self.ramp_kw_per_minute * seconds / MINUTE_SECONDS
            before = max(self.made_kw, self.min_power_kw)
            wanted = within(wanted, before - most, before + most)
        self.made_kw = wanted
        return {"power_kw": -wanted}
