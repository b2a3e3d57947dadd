"""What batteries and vehicles have in common: a content that power fills and empties with losses."""

from dataclasses import dataclass

from telemetry.simulation.engine.surroundings import HOUR_SECONDS, within


@dataclass
class Content:
    """Energy in a store; powers are outside of its inverter, positive while it charges."""

    capacity_kwh: float
    charge_efficiency: float
    discharge_efficiency: float
    energy_kwh: float

    @property
    def soc_percent(self) -> float:
        """Its state of charge."""
        return within(100 * self.energy_kwh / self.capacity_kwh, 0.0, 100.0)

    def take(self, power_kw: float, low_percent: float, high_percent: float, seconds: float) -> float:
        """Charge or discharge for some seconds as far as the limits of the content allow; return the power."""
        hours = seconds / HOUR_SECONDS
        room = max(high_percent / 100 * self.capacity_kwh - self.energy_kwh, 0.0)
        stock = max(self.energy_kwh - low_percent / 100 * self.capacity_kwh, 0.0)
        highest, lowest = room / self.charge_efficiency / hours, -stock * self.discharge_efficiency / hours
        power = within(power_kw, lowest, highest)
        self.energy_kwh += hours * (power * self.charge_efficiency if power > 0 else power / self.discharge_efficiency)
        return power
