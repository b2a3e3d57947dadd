"""The offers of one device while they are being computed, and the runs of steps they last."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from flexmarket.engine.table import FlexTable
from optimization.engine.devices import Device
from optimization.engine.series import Series

Steps = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Offers:
    """Powers in kW, energies in kWh (magnitudes) and prices in EUR/kWh (signed), one value per step."""

    positive_power: Series
    negative_power: Series
    positive_energy: Series
    negative_energy: Series
    positive_price: Series
    negative_price: Series

    @classmethod
    def none(cls, count: int) -> Self:
        """Return arrays of zeros to be filled."""
        return cls(
            positive_power=np.zeros(count),
            negative_power=np.zeros(count),
            positive_energy=np.zeros(count),
            negative_energy=np.zeros(count),
            positive_price=np.zeros(count),
            negative_price=np.zeros(count),
        )

    def place(self, steps: slice, part: "Offers") -> None:
        """Write the offers of some steps into these."""
        for field in fields(self):
            getattr(self, field.name)[steps] = getattr(part, field.name)

    def table(self, device: Device, scheduled_power_kw: Series, forecast_price: Series | None = None) -> FlexTable:
        """Return these offers as the table of `device`."""
        return FlexTable(
            device=device.name,
            kind=device.kind,
            scheduled_power_kw=scheduled_power_kw,
            positive_power_kw=self.positive_power,
            negative_power_kw=self.negative_power,
            positive_energy_kwh=self.positive_energy,
            negative_energy_kwh=self.negative_energy,
            positive_price_eur_per_kwh=self.positive_price,
            negative_price_eur_per_kwh=self.negative_price,
            forecast_price_eur_per_kwh=forecast_price,
        )


def first_smaller(values: Series) -> Steps:
    """Return for each step the first later step with a smaller value, or the number of steps where there is none."""
    first = np.full(len(values), len(values), dtype=np.intp)
    waiting: list[int] = []
    for step, value in enumerate(values.tolist()):
        while waiting and value < values[waiting[-1]]:
            first[waiting.pop()] = step
        waiting.append(step)
    return first


def steps_held(values: Series) -> Steps:
    """Return for each step how many steps, itself included, keep at least its value without a break."""
    return first_smaller(values) - np.arange(len(values))
