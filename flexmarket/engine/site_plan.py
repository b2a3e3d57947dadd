"""A site with its plan, as the offer methods look at it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from flexmarket.engine.errors import OfferError
from optimization.engine.devices import Battery, Device, ElectricLoad, HeatStorage, ShiftableLoad
from optimization.engine.devices.renewable import Renewable
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.engine.series import Series

DeviceT = TypeVar("DeviceT", bound=Device)
PLAN_DECIMALS = 9


def of_kind(device: Device, kind: type[DeviceT]) -> DeviceT:
    """Return `device`, known to be of this kind.

    Raises:
        TypeError: when it is not.
    """
    if not isinstance(device, kind):
        raise TypeError(f"{device.name} is a {device.kind}, not a {kind.kind}")
    return device


def check_plan(problem: SiteProblem, schedule: Schedule) -> None:
    """Refuse a schedule that is none of the site as it is now.

    Raises:
        OfferError: for another horizon, or other devices.
    """
    if schedule.horizon != problem.horizon:
        raise OfferError("schedule.horizon", schedule.horizon, f"the problem's horizon ({problem.horizon})")
    planned, present = set(schedule.devices), {device.name for device in problem.devices}
    if planned != present:
        others = ", ".join(sorted(planned ^ present))
        raise OfferError("schedule.devices", f"without or only of {others}", "a plan of the devices as they are now")


@dataclass(frozen=True)
class HeatStore:
    """All heat stores of a site as one: capacity in kWh, content in percent at the end of each step, temperatures."""

    capacity_kwh: float
    soc_percent: Series
    empty_temperature_c: float
    full_temperature_c: float
    useful_temperature_c: float

    @property
    def useful_soc_percent(self) -> float:
        """Content at which the store reaches its lowest useful temperature, percent."""
        useful = self.useful_temperature_c - self.empty_temperature_c
        return useful / (self.full_temperature_c - self.empty_temperature_c) * 100


@dataclass(frozen=True, eq=False)
class SitePlan:
    """A problem and its schedule; arrays in kW, one value per step, derived once and shared by all devices.

    The plan is rounded to `decimals`, so that solver noise does not cut a run of equal power in two; None takes it as
    it is.
    """

    problem: SiteProblem
    schedule: Schedule
    decimals: int | None = PLAN_DECIMALS

    def _rounded(self, values: Series) -> Series:
        if self.decimals is None:
            return values
        # Adding 0.0 turns the -0.0 of a rounded -1e-12 into 0.0.
        return np.round(values, self.decimals) + 0.0

    @property
    def steps_per_hour(self) -> int:
        """Number of steps in an hour."""
        return round(1 / self.problem.horizon.step_hours)

    @property
    def count(self) -> int:
        """Number of steps."""
        return self.problem.horizon.count

    def series(self, device: Device, name: str) -> Series:
        """Return a series of a device's plan."""
        return self._rounded(self.schedule.devices[device.name][name])

    def total(self, kind: type[Device] | tuple[type[Device], ...], name: str) -> Series:
        """Return the sum of a series over all devices of a kind."""
        parts = [self.series(device, name) for device in self.problem.devices if isinstance(device, kind)]
        return np.sum(parts, axis=0) if parts else np.zeros(self.count)

    @cached_property
    def import_kw(self) -> Series:
        """Power taken from the grid, 0 or more."""
        return self._rounded(np.maximum(self.schedule.grid_power_kw, 0.0))

    @cached_property
    def export_kw(self) -> Series:
        """Power fed into the grid, 0 or more."""
        return self._rounded(np.maximum(-self.schedule.grid_power_kw, 0.0))

    @cached_property
    def battery_charge_kw(self) -> Series:
        """Charging power of all batteries."""
        return self.total(Battery, "charge_kw")

    @cached_property
    def renewable_kw(self) -> Series:
        """Production of all photovoltaic and wind plants, 0 or more."""
        return -self.total(Renewable, "power_kw")

    @cached_property
    def renewable_to_grid_kw(self) -> Series:
        """Production that is fed in: what the electric load and the batteries leave of it, at most the export."""
        load = self.total((ElectricLoad, ShiftableLoad), "power_kw")
        left = self.renewable_kw - np.minimum(self.renewable_kw, load) - self.battery_charge_kw
        return np.maximum(np.minimum(left, self.export_kw), 0.0)

    @cached_property
    def grid_to_battery_kw(self) -> Series:
        """Charging power of all batteries that the grid supplies: the lesser of import and charging."""
        return np.minimum(self.import_kw, self.battery_charge_kw)

    @cached_property
    def heat_store(self) -> HeatStore | None:
        """All heat stores as one (temperatures weighted by capacity); None where the site has none."""
        stores = [device for device in self.problem.devices if isinstance(device, HeatStorage)]
        if not stores:
            return None
        weights = np.array([store.capacity_kwh for store in stores])
        socs = np.array([self.series(store, "soc_percent") for store in stores])
        return HeatStore(
            capacity_kwh=float(weights.sum()),
            soc_percent=np.average(socs, axis=0, weights=weights),
            empty_temperature_c=_mean([store.empty_temperature_c for store in stores], weights),
            full_temperature_c=_mean([store.full_temperature_c for store in stores], weights),
            useful_temperature_c=_mean([store.useful_temperature_c for store in stores], weights),
        )


def share(part: Series, total: Series) -> Series:
    """Return part / total per step, 0 where the total is 0."""
    return np.divide(part, total, out=np.zeros(len(part)), where=total > 0)


def _mean(values: list[float], weights: Series) -> float:
    return float(np.average(values, weights=weights))
