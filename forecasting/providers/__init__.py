"""Providers of weather and prices by name. A new one is one file and one line here."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from forecasting.providers.energy_charts import EnergyCharts
from forecasting.providers.entsoe import Entsoe
from forecasting.providers.open_meteo import OpenMeteo
from forecasting.providers.protocol import Key, PriceProvider, Provider, WeatherProvider

Kind = TypeVar("Kind", bound=Provider)


def _by_name(providers: Iterable[Kind]) -> dict[str, Kind]:
    return {each.name: each for each in providers}


WEATHER: Mapping[str, WeatherProvider] = _by_name([OpenMeteo()])
PRICES: Mapping[str, PriceProvider] = _by_name([EnergyCharts(), Entsoe()])
PROVIDERS: Mapping[str, Provider] = {**WEATHER, **PRICES}
WITH_KEY = {name: each for name, each in PROVIDERS.items() if each.key is not Key.NONE}

__all__ = ["PRICES", "PROVIDERS", "WEATHER", "WITH_KEY", "Key", "PriceProvider", "Provider", "WeatherProvider"]
