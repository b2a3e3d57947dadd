"""The site that a file describes: its parameters become devices, physically right where the original was not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from optimization.engine.devices import (
    Battery,
    Boiler,
    Chp,
    Device,
    ElectricVehicle,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    Stay,
)
from optimization.engine.horizon import Horizon
from optimization.scenarios.cells import Parameter
from optimization.scenarios.content import Content
from optimization.scenarios.errors import Collected, InputError
from optimization.scenarios.households import loads
from optimization.scenarios.layout import PARAMETERS
from optimization.scenarios.scenario import Scenario
from optimization.scenarios.series import SiteSeries

HOURS_PER_DAY = 24


@dataclass(frozen=True)
class Given:
    """The parameters that a file gives one device, and what holds where it gives none."""

    device: str
    parameters: Mapping[str, Parameter]

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a parameter's value."""
        return self.parameters[name].value if name in self.parameters else default

    def above_zero(self, name: str) -> float:
        """Return a parameter that the device cannot do without.

        Raises:
            InputError: where it is missing or 0.
        """
        value = self.number(name)
        if value <= 0:
            parameter = self.parameters.get(name)
            place = parameter.place if parameter else next(iter(self.parameters.values())).place.at()
            problem = f"{self.device} {name} is 0" if parameter else f"no parameter {name} of device {self.device}"
            raise InputError(place, problem, f"more than 0 where {self.device} maxpow is more than 0")
        return value

    def min_fraction(self) -> float:
        """Return minpow as a share of maxpow.

        Raises:
            InputError: where minpow is more than maxpow.
        """
        low, high = self.number("minpow"), self.number("maxpow")
        if low > high:
            allowed = f"at most {self.device} maxpow ({high:g})"
            raise InputError(self.parameters["minpow"].place, f"{low:g} is out of range", allowed)
        return low / high


def _pv(given: Given, series: SiteSeries, horizon: Horizon) -> Device | None:
    if not (power := given.number("maxpow")):
        return None
    return Photovoltaic(name="pv", capacity_kw=power, yield_kw_per_kw=series.pv_yield_kw_per_kw)


def _battery(given: Given, series: SiteSeries, horizon: Horizon) -> Device | None:
    if not (power := given.number("maxpow")):
        return None
    return Battery(
        name="bat",
        capacity_kwh=given.above_zero("stocap"),
        charge_power_kw=power,
        discharge_power_kw=power,
        charge_efficiency=given.number("eta", 1.0),
        discharge_efficiency=given.number("eta", 1.0),
        initial_soc_percent=given.number("initSOC", 60.0),
    )


def _electric_vehicle(given: Given, series: SiteSeries, horizon: Horizon) -> Device | None:
    if not (power := given.number("maxpow")):
        return None
    return ElectricVehicle(
        name="ev",
        capacity_kwh=given.above_zero("stocap"),
        charge_power_kw=power,
        charge_efficiency=given.number("eta", 0.98),
        min_charge_power_kw=given.min_fraction() * power,
        stays=_stays(series, horizon, given.number("initSOC", 20.0), given.number("endSOC", 20.0)),
    )


def _heat_pump(given: Given, series: SiteSeries, horizon: Horizon) -> Device | None:
    if not (power := given.number("maxpow")):
        return None
    fraction = given.min_fraction()
    return HeatPump(
        name="hp",
        rated_power_kw=power,
        ambient_temperature_c=series.temperature_c,
        supply_temperature_c=given.number("supply_temp", 45.0),
        modulating=fraction > 0,
        min_power_fraction=fraction,
    )


def _chp(given: Given, series: SiteSeries, horizon: Horizon) -> Device | None:
    if not (power := given.number("maxpow")):
        return None
    fraction = given.min_fraction()
    return Chp(name="chp", electric_power_kw=power, modulating=fraction > 0, min_power_fraction=fraction)


def _boiler(given: Given, series: SiteSeries, horizon: Horizon) -> Device | None:
    if not (power := given.number("maxpow")):
        return None
    return Boiler(name="boiler", heat_power_kw=power, efficiency=given.number("eta", 1.0))


def _heat_storage(given: Given, series: SiteSeries, horizon: Horizon) -> Device | None:
    if not (capacity := given.number("stocap")):
        return None
    power = given.number("maxpow") or None
    empty, full = given.number("mintemp", 18.0), given.number("maxtemp", 50.0)
    return HeatStorage(
        name="sto",
        capacity_kwh=capacity,
        charge_power_kw=power,
        discharge_power_kw=power,
        initial_soc_percent=given.number("initSOC", 60.0),
        loss_percent_per_day=100 * (1 - (1 - given.number("self_discharge")) ** HOURS_PER_DAY),
        empty_temperature_c=empty,
        full_temperature_c=full,
        useful_temperature_c=min(max(20.0, empty), full),
    )


MAKERS: Mapping[str, Callable[[Given, SiteSeries, Horizon], Device | None]] = {
    "pv": _pv,
    "bat": _battery,
    "ev": _electric_vehicle,
    "hp": _heat_pump,
    "chp": _chp,
    "boiler": _boiler,
    "sto": _heat_storage,
}


def _stays(series: SiteSeries, horizon: Horizon, arrival_soc: float, departure_soc: float) -> tuple[Stay, ...]:
    """Return one stay per unbroken run of steps in which the car is there; the last may end with the horizon."""
    edges = np.diff(np.concatenate(([0], (series.ev_connected > 0).astype(int), [0])))
    times = [*horizon.times, horizon.end]
    return tuple(
        Stay(
            arrival=times[first],
            departure=times[behind],
            arrival_soc_percent=arrival_soc,
            departure_soc_percent=departure_soc,
        )
        for first, behind in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    )


def scenario_from_file(content: Content, name: str) -> Scenario:
    """Return the site that a file describes.

    Raises:
        InputError: for a file without device parameters, or parameters that contradict each other.
    """
    if not content.parameters:
        allowed = f"a row with device, parameter and value for each of its devices ({', '.join(PARAMETERS)})"
        raise InputError(content.series.place.at(), "no device parameters", allowed)

    def make_devices(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> tuple[Device, ...]:
        made, found = [], Collected()
        for device, make in MAKERS.items():
            with found.each():
                made.append(make(Given(device, content.parameters.get(device, {})), series, horizon))
        found.done()
        return (*(device for device in made if device is not None), *loads(series))

    return Scenario(name=name, title=f"Site of {content.series.place.file}", make_devices=make_devices)
