"""The named household scenarios, with the device data of the OpenTUMFlex 1.0 scenarios."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from optimization.engine.devices import (
    Battery,
    Boiler,
    Chp,
    Device,
    ElectricLoad,
    ElectricVehicle,
    HeatLoad,
    HeatPump,
    HeatStorage,
    Photovoltaic,
    Stay,
)
from optimization.engine.horizon import Horizon
from optimization.scenarios.scenario import DeviceMaker, Scenario, registry
from optimization.scenarios.series import SiteSeries

# (arrival, departure, content on arrival in %, content wished for at departure in %) of every day, local time.
DAILY_STAYS = (
    (time(0, 0), time(8, 0), 30.0, 80.0),
    (time(18, 0), time(23, 45), 50.0, 100.0),
)

Part = Callable[[SiteSeries, Horizon, ZoneInfo], Device]


def loads(series: SiteSeries) -> tuple[Device, ...]:
    """Return the electric and the heat load of a household."""
    return (
        ElectricLoad(name="load", demand_kw=series.electric_load_kw),
        HeatLoad(name="heat_load", demand_kw=series.heat_load_kw),
    )


def _household(*parts: Part) -> DeviceMaker:
    """Return a maker of the given devices, a 15 kWh heat store, and both loads."""

    def make(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> tuple[Device, ...]:
        # The reference limits the power of the store by its capacity number.
        store = HeatStorage(name="sto", capacity_kwh=15, charge_power_kw=15, discharge_power_kw=15)
        return (*(part(series, horizon, zone) for part in parts), store, *loads(series))

    return make


def _pv(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> Device:
    return Photovoltaic(name="pv", capacity_kw=3, yield_kw_per_kw=series.pv_yield_kw_per_kw)


def _battery(*, capacity_kwh: float, initial_soc_percent: float) -> Part:
    def make(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> Device:
        return Battery(
            name="bat",
            capacity_kwh=capacity_kwh,
            charge_power_kw=3,
            discharge_power_kw=3,
            initial_soc_percent=initial_soc_percent,
        )

    return make


def _electric_vehicle(*, charge_power_kw: float) -> Part:
    def make(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> Device:
        return ElectricVehicle(
            name="ev",
            capacity_kwh=20,
            charge_power_kw=charge_power_kw,
            charge_efficiency=0.98,
            stays=_daily_stays(horizon, zone),
        )

    return make


def _heat_pump(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> Device:
    return HeatPump(name="hp", rated_power_kw=4, ambient_temperature_c=series.temperature_c)


def _chp(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> Device:
    return Chp(name="chp", electric_power_kw=2)


def _boiler(*, heat_power_kw: float) -> Part:
    def make(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> Device:
        return Boiler(name="boiler", heat_power_kw=heat_power_kw, efficiency=1.0)

    return make


def _daily_stays(horizon: Horizon, zone: ZoneInfo) -> tuple[Stay, ...]:
    """Return the stays of each local day that lie in the horizon."""
    first, last = (moment.astimezone(zone).date() for moment in (horizon.start, horizon.end - horizon.step))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    stays = [_stay(day, daily, zone) for day in days for daily in DAILY_STAYS]
    return tuple(stay for stay in stays if stay.arrival < horizon.end and stay.departure > horizon.start)


def _stay(day: date, daily: tuple[time, time, float, float], zone: ZoneInfo) -> Stay:
    arrival, departure, arrival_soc_percent, departure_soc_percent = daily
    return Stay(
        arrival=datetime.combine(day, arrival, zone),
        departure=datetime.combine(day, departure, zone),
        arrival_soc_percent=arrival_soc_percent,
        departure_soc_percent=departure_soc_percent,
    )


HOUSEHOLDS = registry(
    Scenario(
        name="hp",
        title="House with a heat pump",
        make_devices=_household(_heat_pump, _boiler(heat_power_kw=3)),
    ),
    Scenario(
        name="pv",
        title="House with PV",
        make_devices=_household(_pv, _boiler(heat_power_kw=6)),
    ),
    Scenario(
        name="bat",
        title="House with a battery, empty at the start",
        make_devices=_household(_battery(capacity_kwh=15, initial_soc_percent=0), _boiler(heat_power_kw=6)),
    ),
    Scenario(
        name="ev",
        title="House with an electric car",
        make_devices=_household(_electric_vehicle(charge_power_kw=10), _boiler(heat_power_kw=6)),
    ),
    Scenario(
        name="simple_house",
        title="House with PV and a battery",
        make_devices=_household(_pv, _battery(capacity_kwh=5, initial_soc_percent=50), _boiler(heat_power_kw=6)),
    ),
    Scenario(
        name="residential_house",
        title="House with PV, a battery and a heat pump",
        make_devices=_household(
            _pv, _battery(capacity_kwh=5, initial_soc_percent=5), _heat_pump, _boiler(heat_power_kw=3)
        ),
    ),
    Scenario(
        name="mini_apartment",
        title="House with PV, a battery, an electric car and a heat pump",
        make_devices=_household(
            _pv,
            _battery(capacity_kwh=5, initial_soc_percent=50),
            _electric_vehicle(charge_power_kw=8),
            _heat_pump,
            _boiler(heat_power_kw=3),
        ),
    ),
    Scenario(
        name="apartment",
        title="House with PV, a battery, an electric car, a heat pump and a CHP unit",
        make_devices=_household(
            _pv,
            _battery(capacity_kwh=5, initial_soc_percent=50),
            _electric_vehicle(charge_power_kw=8),
            _heat_pump,
            _chp,
            _boiler(heat_power_kw=3),
        ),
    ),
)
