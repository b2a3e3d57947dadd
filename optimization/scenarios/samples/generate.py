"""Makes the sample days from plain physics and rhythms; no measured data.

Run `python -m optimization.scenarios.samples.generate` to write them again.

PV: sun position at Munich, clear-sky beam by air mass, 30 degree south roof, slowly changing clouds.
Heat: hot water by the clock, and in winter the difference to a heating limit with a night setback and a morning boost.
Electricity: a household's base load with breakfast, noon and evening; the colony is many of them, so it is smooth.
Prices: a day-ahead shape plus fees and taxes; the colony's price follows its own load.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from optimization.engine.series import Series
from optimization.scenarios import csv_format
from optimization.scenarios.cells import Parameter
from optimization.scenarios.content import Content
from optimization.scenarios.errors import Place
from optimization.scenarios.series import SiteSeries

STEPS = 96
HOURS = (np.arange(STEPS) + 0.5) / 4
LATITUDE, LONGITUDE = 48.14, 11.58
ROOF_TILT = np.radians(30)
SOLAR_CONSTANT = 1361.0
SYSTEM_EFFICIENCY = 0.86

DEVICES = {
    "sto": {"stocap": 12.0, "initSOC": 50.0, "eta": 1.0, "minpow": 0.0, "maxpow": 10.0, "self_discharge": 0.004},
    "boiler": {"maxpow": 8.0, "minpow": 0.0, "eta": 0.95},
    "chp": {"minpow": 0.0, "maxpow": 0.0},
    "hp": {"minpow": 0.0, "maxpow": 3.0},
    "pv": {"maxpow": 7.0},
    "bat": {"stocap": 8.0, "eta": 0.95, "minpow": 0.0, "maxpow": 4.0, "initSOC": 45.0},
    "ev": {"stocap": 52.0, "eta": 0.92, "initSOC": 45.0, "endSOC": 80.0, "minpow": 1.4, "maxpow": 11.0},
}


@dataclass(frozen=True, kw_only=True)
class Season:
    """What makes a day: a date for the sun, hours ahead of UTC, and the magnitudes of weather, demand and prices."""

    name: str
    day: date
    utc_offset_hours: int
    coldest_c: float
    warmest_c: float
    cloudiness: float
    electricity_kwh: float
    space_heat_kwh: float
    hot_water_kwh: float
    spot_mean: float
    spot_solar_dip: float
    wind_mean: float
    colony_peak_kw: float
    seed: int


WINTER = Season(
    name="winter",
    day=date(2026, 1, 21),
    utc_offset_hours=1,
    coldest_c=-4.0,
    warmest_c=2.5,
    cloudiness=0.45,
    electricity_kwh=20.6,
    space_heat_kwh=57.0,
    hot_water_kwh=8.0,
    spot_mean=0.112,
    spot_solar_dip=0.012,
    wind_mean=0.42,
    colony_peak_kw=20_000,
    seed=1,
)
SUMMER = Season(
    name="summer",
    day=date(2026, 7, 8),
    utc_offset_hours=2,
    coldest_c=13.5,
    warmest_c=26.5,
    cloudiness=0.18,
    electricity_kwh=19.2,
    space_heat_kwh=0.0,
    hot_water_kwh=8.0,
    spot_mean=0.085,
    spot_solar_dip=0.085,
    wind_mean=0.21,
    colony_peak_kw=14_800,
    seed=2,
)


def bump(centre: float, width: float) -> Series:
    """Return a bell over the day, 1 at `centre` o'clock; it wraps at midnight."""
    distance = (HOURS - centre + 12) % 24 - 12
    return np.array(np.exp(-0.5 * (distance / width) ** 2))


def drift(random: np.random.Generator, persistence: float) -> Series:
    """Return slow noise with mean 0 and spread 1."""
    noise = random.standard_normal(STEPS)
    values = np.zeros(STEPS)
    for step in range(1, STEPS):
        values[step] = persistence * values[step - 1] + noise[step]
    return np.array((values - values.mean()) / values.std())


def scaled(shape: Series, energy_kwh: float) -> Series:
    """Return a shape as power in kW with this energy over the day."""
    return np.array(shape * energy_kwh / (shape.sum() / 4))


def pv_yield(season: Season, random: np.random.Generator) -> Series:
    """Return AC power per kW of a south roof in Munich."""
    day = season.day.timetuple().tm_yday
    angle = 2 * np.pi * (day - 81) / 365
    equation_of_time = (9.87 * np.sin(2 * angle) - 7.53 * np.cos(angle) - 1.5 * np.sin(angle)) / 60
    solar_time = HOURS - season.utc_offset_hours + LONGITUDE / 15 + equation_of_time
    declination = np.radians(23.45) * np.sin(angle)
    hour_angle = np.radians(15 * (solar_time - 12))
    latitude = np.radians(LATITUDE)
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    elevation_sine = np.clip(sine, 1e-3, None)
    beam = SOLAR_CONSTANT * 0.7 ** (elevation_sine**-0.678) * (sine > 0)
    tilted = latitude - ROOF_TILT
    incidence = np.sin(tilted) * np.sin(declination) + np.cos(tilted) * np.cos(declination) * np.cos(hour_angle)
    clear = np.clip(1 - season.cloudiness - 0.22 * drift(random, 0.9), 0.08, 1.0)
    diffuse = beam * elevation_sine * (0.12 + 0.35 * (1 - clear)) * (1 + np.cos(ROOF_TILT)) / 2
    tilted_power = SYSTEM_EFFICIENCY * (beam * np.clip(incidence, 0, None) * clear + diffuse) / 1000
    return np.array(np.clip(tilted_power, 0, 1))


def temperature(season: Season, random: np.random.Generator) -> Series:
    """Return the outside temperature in °C: coldest before sunrise, warmest at three."""
    rising = 0.5 - 0.5 * np.cos(np.pi * (HOURS - 4.5) / 10.5)
    falling = 0.5 + 0.5 * np.cos(np.pi * ((HOURS - 15) % 24) / 13.5)
    swing = np.where((HOURS > 4.5) & (HOURS < 15), rising, falling)
    return np.array(season.coldest_c + (season.warmest_c - season.coldest_c) * swing + 0.2 * drift(random, 0.95))


def household_load(season: Season, random: np.random.Generator) -> Series:
    """Return the electric load of one household in kW, with the spikes of its appliances."""
    shape = 0.32 + 0.75 * bump(7.2, 0.9) + 0.6 * bump(12.4, 1.1) + 1.25 * bump(19.2, 1.7) + 0.35 * bump(21.8, 1.2)
    shape = shape * np.clip(1 + 0.25 * drift(random, 0.6), 0.4, None)
    for centre, power in ((7.3, 0.9), (12.3, 1.1), (18.6, 1.3), (20.1, 0.8)):
        shape = shape + power * (np.abs(HOURS - centre) < 0.26)
    return scaled(shape, season.electricity_kwh)


def heat_load(season: Season, outside: Series, random: np.random.Generator) -> Series:
    """Return space heating and hot water of one household in kW."""
    taps = 0.02 + bump(6.9, 0.45) + 0.35 * bump(12.5, 0.4) + 0.85 * bump(19.6, 0.7)
    water = scaled(taps * np.clip(1 + 0.3 * drift(random, 0.3), 0.1, None), season.hot_water_kwh)
    if not season.space_heat_kwh:
        return water
    rhythm = np.where((HOURS < 5) | (HOURS > 22.5), 0.62, 1.0) + 0.45 * bump(6.0, 0.8) + 0.12 * bump(20.0, 1.8)
    heating = rhythm * np.clip(17 - outside, 0, None) * np.clip(1 + 0.06 * drift(random, 0.5), 0.5, None)
    return water + scaled(heating, season.space_heat_kwh)


def spot_price(season: Season) -> Series:
    """Return a day-ahead price in EUR/kWh, hour by hour: morning and evening peaks, a dip while the sun shines."""
    shape = 0.045 * bump(8.0, 1.4) + 0.062 * bump(18.8, 1.8) - 0.022 * bump(3.5, 2.2)
    shape = shape - season.spot_solar_dip * bump(13.2, 2.3)
    price = season.spot_mean + shape - shape.mean()
    return np.repeat(price.reshape(24, 4).mean(axis=1), 4)


def car_at_home() -> Series:
    """Return 1 where the car is at home: until half past seven and from half past five."""
    return ((HOURS < 7.5) | (HOURS > 17.5)).astype(np.float64)


def colony_load(season: Season) -> Series:
    """Return the load of some 15,000 households in kW before noise: the standard shape without one's spikes."""
    shape = 0.42 + 0.5 * bump(7.4, 1.3) + 0.4 * bump(12.6, 1.9) + 0.95 * bump(19.1, 2.1) + 0.25 * bump(21.6, 1.6)
    return np.array(shape / shape.max() * season.colony_peak_kw)


def wind_yield(season: Season, random: np.random.Generator) -> Series:
    """Return wind power per kW, calm or gusty by the season; a few turbines smooth the gusts."""
    gusty = np.convolve(np.pad(drift(random, 0.97), 2, mode="edge"), np.full(5, 0.2), mode="valid")
    return np.clip(season.wind_mean + 0.17 * gusty + 0.02 * drift(random, 0.5), 0, 0.98)


def household_day(season: Season) -> SiteSeries:
    """Return the day of one household."""
    random = np.random.default_rng(season.seed)
    outside = temperature(season, random)
    return SiteSeries(
        place=Place(file=f"{season.name}_day.csv"),
        temperature_c=np.round(outside, 1),
        pv_yield_kw_per_kw=np.round(pv_yield(season, random), 4),
        heat_load_kw=np.round(heat_load(season, outside, random), 3),
        electric_load_kw=np.round(household_load(season, random), 3),
        import_price_eur_per_kwh=np.round(spot_price(season) * 1.19 + 0.171, 4),
        gas_price_eur_per_kwh=np.full(STEPS, 0.109),
        export_price_eur_per_kwh=np.full(STEPS, 0.0786),
        ev_connected=car_at_home(),
    )


def colony_day(season: Season) -> SiteSeries:
    """Return the day of the colony; its import price rises with the square of its load."""
    random = np.random.default_rng(season.seed + 100)
    load = colony_load(season)
    sun = pv_yield(season, random)
    actual = load * (1 + 0.008 * drift(random, 0.8))
    return SiteSeries(
        place=Place(file=f"colony_{season.name}_day.csv"),
        temperature_c=np.round(temperature(season, random), 1),
        pv_yield_kw_per_kw=np.round(sun, 4),
        heat_load_kw=np.zeros(STEPS),
        electric_load_kw=np.round(actual / actual.max() * season.colony_peak_kw),
        import_price_eur_per_kwh=np.round(0.095 + 0.235 * (load / load.max()) ** 2, 4),
        gas_price_eur_per_kwh=np.full(STEPS, 0.062),
        export_price_eur_per_kwh=np.full(STEPS, 0.06),
        ev_connected=np.zeros(STEPS),
        wind_yield_kw_per_kw=np.round(wind_yield(season, random), 4),
        fuel_price_eur_per_l=np.full(STEPS, 0.98),
    )


def contents() -> dict[str, Content]:
    """Return the content of every sample file by its name."""
    files = {}
    for season in (WINTER, SUMMER):
        place = Place(file=f"{season.name}_day.csv")
        parameters = {
            device: {name: Parameter(value, place) for name, value in values.items()}
            for device, values in DEVICES.items()
        }
        files[f"{season.name}_day.csv"] = Content(parameters, household_day(season))
        files[f"colony_{season.name}_day.csv"] = Content({}, colony_day(season))
    return files


def main() -> None:
    """Write every sample file beside this one."""
    for name, content in contents().items():
        (Path(__file__).parent / name).write_bytes(csv_format.write(content))


if __name__ == "__main__":
    main()
