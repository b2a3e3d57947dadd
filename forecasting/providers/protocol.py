"""What a provider of weather or prices must be able to do, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from forecasting.engine.grid import Series
from forecasting.providers.http import Http

# About 5 km: within one cell of the weather models, and less than what tells where somebody lives.
DEGREES = 0.05


class ProviderError(RuntimeError):
    """A provider that gave no usable answer; the text is for people, names the provider, and never holds a key."""


class Key(Enum):
    """Whether a provider is asked with a key."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, order=True)
class Location:
    """A place that weather is asked for, in degrees."""

    latitude: float
    longitude: float

    @classmethod
    def near(cls, latitude: float, longitude: float) -> "Location":
        """Return the rounded place that serves for one, so that one request serves its neighbours too."""
        return cls(_rounded(latitude), _rounded(longitude))


@dataclass(frozen=True, eq=False)
class WeatherSeries:
    """A forecast of one quantity, by the name and in the unit of `telemetry.quantities`, a value per step."""

    start: datetime
    step: timedelta
    values: Series


Weather = Mapping[str, WeatherSeries]


@dataclass(frozen=True, eq=False)
class Prices:
    """Prices per MWh over equal steps without a gap."""

    start: datetime
    step: timedelta
    values: Series
    currency: str = "EUR"

    @property
    def end(self) -> datetime:
        """End of the last step."""
        return self.start + len(self.values) * self.step


class Provider(Protocol):
    """Who it is: `name` is stored, `label` is shown."""

    @property
    def name(self) -> str:
        """What rows store."""

    @property
    def label(self) -> str:
        """What people read."""

    @property
    def key(self) -> Key:
        """Whether it is asked with a key."""


class WeatherProvider(Provider, Protocol):
    """Forecasts of weather at places."""

    @property
    def most_locations(self) -> int:
        """How many places fit into one request."""

    def forecast(self, http: Http, locations: Sequence[Location], key: str) -> list[Weather]:
        """Return the newest forecast of each place, in their order.

        Raises:
            ProviderError: without a usable answer.
        """


class PriceProvider(Provider, Protocol):
    """Prices of the day-ahead auction."""

    @property
    def zones(self) -> Sequence[str]:
        """The bidding zones that it knows, such as DE-LU."""

    def day_ahead(self, http: Http, zone: str, start: datetime, end: datetime, key: str) -> list[Prices]:
        """Return what was published of a time, in order; empty where nothing was published yet.

        Raises:
            ProviderError: without a usable answer.
        """


def _rounded(degrees: float) -> float:
    return round(round(degrees / DEGREES) * DEGREES, 2)
