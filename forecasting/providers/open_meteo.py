"""Weather of Open-Meteo: free without a key for what is not commercial, with a customer's key otherwise."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log
from typing import Any

import numpy as np

from forecasting.engine.grid import Series
from forecasting.providers.http import Http, HttpError
from forecasting.providers.protocol import Key, Location, ProviderError, Weather, WeatherSeries

FREE = "https://api.open-meteo.com/v1/forecast"
CUSTOMER = "https://customer-api.open-meteo.com/v1/forecast"
HOUR = timedelta(hours=1)
DAYS = "4"
MOST_LOCATIONS = 50
HIGHEST_IRRADIANCE = 2000.0
MOST_SHOWN = 200


@dataclass(frozen=True)
class OpenMeteo:
    """The newest forecast of the best model for each place, by the hour, from today's midnight (UTC) on."""

    name: str = "open_meteo"
    label: str = "Open-Meteo"
    key: Key = Key.OPTIONAL
    most_locations: int = MOST_LOCATIONS

    def forecast(self, http: Http, locations: Sequence[Location], key: str) -> list[Weather]:
        """Return the forecast of each place; see `WeatherProvider`."""
        params = {
            "latitude": ",".join(f"{place.latitude:g}" for place in locations),
            "longitude": ",".join(f"{place.longitude:g}" for place in locations),
            "hourly": ",".join(VARIABLES),
            "forecast_days": DAYS,
            "timezone": "GMT",
            "timeformat": "unixtime",
            "wind_speed_unit": "ms",
            **({"apikey": key} if key else {}),
        }
        try:
            answer = http.json(CUSTOMER if key else FREE, params)
        except HttpError as error:
            raise ProviderError(f"{self.label} {_reason(error, key)}.") from None
        # One place is answered as an object, several as a list of them.
        places = answer if isinstance(answer, list) else [answer]
        if len(places) != len(locations):
            raise ProviderError(f"{self.label} answered for {len(places)} places; asked for: {len(locations)}.")
        try:
            return [_weather(place["hourly"]) for place in places]
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            raise ProviderError(
                f"{self.label} answered in an unknown form ({type(error).__name__}: {error})."
            ) from None


def _weather(hourly: Mapping[str, Any]) -> Weather:
    times = np.asarray(hourly["time"], dtype=np.int64)
    if times.ndim != 1 or len(times) < 2 or np.any(np.diff(times) != HOUR.total_seconds()):
        raise ValueError("the times are not hours in a row")
    table = {name: _numbers(hourly[name], len(times)) for name in VARIABLES if name in hourly}
    start = datetime.fromtimestamp(int(times[0]), UTC)
    found: dict[str, WeatherSeries] = {}
    for name, way in WAYS.items():
        if all(variable in table for variable in way.variables):
            values = way.make(*(table[variable] for variable in way.variables))
            if len(values):
                found[name] = WeatherSeries(start, HOUR, values)
    return found


def _numbers(values: Any, count: int) -> Series:
    """Return the numbers until the first that is missing, as models end at different hours."""
    series = np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)
    if series.shape != (count,):
        raise ValueError(f"a series of {len(series)} values beside {count} times")
    known = np.isfinite(series)
    return series if known.all() else series[: int(np.argmin(known))]


def _over_the_hour(series: Series) -> Series:
    """Return the mean of each hour from the values at its start and its end."""
    return (series[:-1] + series[1:]) / 2


def _hour_before(series: Series) -> Series:
    """Return the mean of each hour from values that are told at its end."""
    return np.clip(series[1:], 0.0, HIGHEST_IRRADIANCE)


def _at_100_m(below: Series, above: Series) -> Series:
    """Return the wind at 100 m from that at 80 m and 120 m, by the logarithm of the height."""
    count = min(len(below), len(above))
    share = log(100 / 80) / log(120 / 80)
    return _over_the_hour(below[:count] + share * (above[:count] - below[:count]))


@dataclass(frozen=True)
class Way:
    """How a quantity comes from variables of the provider."""

    make: Callable[..., Series]
    variables: tuple[str, ...]


WAYS: Mapping[str, Way] = {
    "ambient_temperature_c": Way(_over_the_hour, ("temperature_2m",)),
    "irradiance_w_per_m2": Way(_hour_before, ("shortwave_radiation",)),
    "direct_normal_irradiance_w_per_m2": Way(_hour_before, ("direct_normal_irradiance",)),
    "diffuse_irradiance_w_per_m2": Way(_hour_before, ("diffuse_radiation",)),
    "wind_speed_m_per_s": Way(_over_the_hour, ("wind_speed_10m",)),
    "wind_speed_100m_m_per_s": Way(_at_100_m, ("wind_speed_80m", "wind_speed_120m")),
}
VARIABLES = tuple(name for way in WAYS.values() for name in way.variables)


def _reason(error: HttpError, key: str) -> str:
    """Return what went wrong, with the provider's own words where it gives some; they may repeat the key."""
    if error.status in (401, 403):
        return "refused the key"
    try:
        told = str(json.loads(error.body)["reason"])[:MOST_SHOWN]
    except (ValueError, KeyError, TypeError, RecursionError):
        return str(error)
    return f"{error}: {told.replace(key, '(key)') if key else told}".rstrip(".")
