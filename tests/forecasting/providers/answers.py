"""Answers of providers, made here by hand in the form that their public documentation describes.

They are no recordings: the machines that run these tests reach no provider. What is fixed by them is how an answer of
the documented form is read, and that nothing else is taken for one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx

from forecasting.providers.http import Http

Handler = Callable[[httpx.Request], httpx.Response]


def client(*handlers: Handler | httpx.Response, pauses: list[float] | None = None) -> Http:
    """Return a client whose requests are answered in turn, the last answer for ever; pauses are noted, not made."""
    made = maker(*handlers, pauses=pauses)
    return made()


def maker(*handlers: Handler | httpx.Response, pauses: list[float] | None = None) -> Callable[[], Http]:
    """Return what makes such clients, all from one list of answers."""
    left = list(handlers)

    def answer(request: httpx.Request) -> httpx.Response:
        found = left.pop(0) if len(left) > 1 else left[0]
        return found if isinstance(found, httpx.Response) else found(request)

    noted = pauses if pauses is not None else []
    return partial(Http, transport=httpx.MockTransport(answer), pause=noted.append)


def weather(start: datetime, hours: int = 96, **changes: Sequence[Any]) -> dict[str, Any]:
    """Return the weather of one place as Open-Meteo documents it: `hourly` holds a list per variable."""
    first = int(start.timestamp())
    hourly: dict[str, Any] = {
        "time": [first + 3600 * hour for hour in range(hours)],
        "temperature_2m": [hour / 2 for hour in range(hours)],
        "shortwave_radiation": [10.0 * hour for hour in range(hours)],
        "direct_normal_irradiance": [5.0 * hour for hour in range(hours)],
        "diffuse_radiation": [1.0 * hour for hour in range(hours)],
        "wind_speed_10m": [4.0] * hours,
        "wind_speed_80m": [7.0] * hours,
        "wind_speed_120m": [8.0] * hours,
    }
    return {
        "latitude": 48.1,
        "longitude": 11.5,
        "generationtime_ms": 0.2,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 520.0,
        "hourly_units": {"time": "unixtime", "temperature_2m": "°C", "shortwave_radiation": "W/m²"},
        "hourly": {**hourly, **changes},
    }


def weather_of_all(request: httpx.Request, start: datetime, **changes: Sequence[Any]) -> httpx.Response:
    """Answer as Open-Meteo does: an object for one place, a list for several."""
    places = request.url.params["latitude"].split(",")
    found = [weather(start, **changes) for _ in places]
    return httpx.Response(200, json=found if len(found) > 1 else found[0])


def energy_charts(
    start: datetime, count: int, seconds: int = 900, price: Callable[[int], float | None] = float
) -> dict[str, Any]:
    """Return prices as Energy-Charts documents them: lists of times and prices of equal length."""
    first = int(start.timestamp())
    return {
        "license_info": "CC BY 4.0 (creativecommons.org/licenses/by/4.0) from Bundesnetzagentur | SMARD.de",
        "unix_seconds": [first + seconds * step for step in range(count)],
        "price": [price(step) for step in range(count)],
        "unit": "EUR / MWh",
        "deprecated": False,
    }


def entsoe(start: datetime, prices: Sequence[float | None], minutes: int = 60, currency: str = "EUR") -> str:
    """Return a publication of prices as ENTSO-E documents it (A44, A03: a missing point repeats the one before)."""
    end = start + timedelta(minutes=minutes) * len(prices)
    points = "".join(
        f"<Point><position>{number}</position><price.amount>{price}</price.amount></Point>"
        for number, price in enumerate(prices, 1)
        if price is not None
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"><type>A44</type>'
        "<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type><businessType>A62</businessType>"
        f"<currency_Unit.name>{currency}</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
        "<curveType>A03</curveType><Period><timeInterval>"
        f"<start>{start:%Y-%m-%dT%H:%MZ}</start><end>{end:%Y-%m-%dT%H:%MZ}</end></timeInterval>"
        f"<resolution>PT{minutes}M</resolution>{points}</Period></TimeSeries></Publication_MarketDocument>"
    )


def entsoe_says(text: str) -> str:
    """Return an acknowledgement as ENTSO-E documents it, with a reason in words."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Acknowledgement_MarketDocument '
        'xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
        f"<Reason><code>999</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
    )
