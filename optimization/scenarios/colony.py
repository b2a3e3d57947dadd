"""The colony: 20 MW of residential load with half a megawatt each of battery, wind, PV and diesel."""

from zoneinfo import ZoneInfo

from optimization.engine.devices import Battery, Device, ElectricLoad, Generator, Photovoltaic, Wind
from optimization.engine.horizon import Horizon
from optimization.engine.problem import GridConnection
from optimization.scenarios.scenario import Scenario, needed, registry
from optimization.scenarios.series import SiteSeries

# Litres per hour of a 500 kW diesel set at 30, 50, 75 and 100 % load: about 0.25 l/kWh at its best point.
FUEL_CURVE = ((150.0, 44.0), (250.0, 66.0), (375.0, 94.5), (500.0, 127.5))


def _devices(series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> tuple[Device, ...]:
    needed(series.fuel_price_eur_per_l, "fuel_price", "colony", series)
    return (
        Photovoltaic(name="pv", capacity_kw=500, yield_kw_per_kw=series.pv_yield_kw_per_kw),
        Wind(
            name="wind",
            capacity_kw=500,
            yield_kw_per_kw=needed(series.wind_yield_kw_per_kw, "wind_power", "colony", series),
        ),
        Battery(
            name="ess",
            capacity_kwh=1000,
            charge_power_kw=500,
            discharge_power_kw=500,
            self_discharge_percent_per_day=0.1,
            wear_cost_eur_per_kwh=0.01,
        ),
        Generator(
            name="dg",
            power_kw=500,
            min_power_kw=150,
            fuel_curve=FUEL_CURVE,
            ramp_kw_per_minute=50,
            start_cost_eur=15,
            min_run_minutes=60,
            min_rest_minutes=30,
        ),
        ElectricLoad(name="load", demand_kw=series.electric_load_kw),
    )


COLONY = registry(
    Scenario(
        name="colony",
        title="Residential colony of 20 MW with a battery, wind, PV and a diesel generator",
        make_devices=_devices,
        sample="colony",
        connection=GridConnection(import_limit_kw=25_000, export_limit_kw=2_000),
    )
)
