import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest

from forecasting.providers import PRICES, PROVIDERS, WEATHER
from forecasting.providers.protocol import Location, Prices, ProviderError
from telemetry.quantities import quantities_of
from tests.forecasting.providers.answers import (
    client,
    energy_charts,
    entsoe,
    entsoe_says,
    weather,
    weather_of_all,
)

# entsoe-py reads XML with an HTML parser, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like you:UserWarning")

START = datetime(2026, 11, 21, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
PLACE = Location(48.1, 11.5)
OPEN_METEO = WEATHER["open_meteo"]
MIDNIGHT = datetime(2026, 11, 20, 23, tzinfo=UTC)
DAY = (MIDNIGHT, MIDNIGHT + timedelta(days=1))


def test_names_are_unique() -> None:
    assert len(PROVIDERS) == len(WEATHER) + len(PRICES)


def test_neighbours_share_a_place() -> None:
    assert Location.near(48.137, 11.575) == Location.near(48.145, 11.56) == Location(48.15, 11.55)
    assert Location.near(48.137, 11.575) != Location.near(48.2, 11.575)
    assert Location.near(-33.8688, 151.2093) == Location(-33.85, 151.2)


def forecast(answer: Any, places: int = 1, key: str = "") -> Any:
    with client(answer if callable(answer) else httpx.Response(200, text=json.dumps(answer))) as http:
        return OPEN_METEO.forecast(http, [PLACE] * places, key)


def test_values_belong_to_the_hour_that_they_are_of() -> None:
    (found,) = forecast(weather(START, hours=3))
    assert set(found) <= {quantity.name for quantity in quantities_of(None)}
    assert {(series.start, series.step) for series in found.values()} == {(START, HOUR)}
    # Temperature and wind are told for a moment, radiation as the mean of the hour before.
    np.testing.assert_allclose(found["ambient_temperature_c"].values, [0.25, 0.75])
    np.testing.assert_allclose(found["irradiance_w_per_m2"].values, [10, 20])
    np.testing.assert_allclose(found["direct_normal_irradiance_w_per_m2"].values, [5, 10])
    np.testing.assert_allclose(found["diffuse_irradiance_w_per_m2"].values, [1, 2])
    np.testing.assert_allclose(found["wind_speed_m_per_s"].values, [4, 4])
    between = found["wind_speed_100m_m_per_s"].values
    assert ((between > 7.5) & (between < 7.6)).all()


def test_a_series_ends_where_the_model_does() -> None:
    short = weather(START, hours=4, temperature_2m=[1, 2, None, 4], wind_speed_120m=[None] * 4)
    (found,) = forecast(short)
    np.testing.assert_allclose(found["ambient_temperature_c"].values, [1.5])
    assert "wind_speed_100m_m_per_s" not in found
    assert len(found["irradiance_w_per_m2"].values) == 3


def test_many_places_are_one_request_with_the_key_of_a_customer() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return weather_of_all(request, START)

    assert len(forecast(answer, places=3)) == 3
    assert len(forecast(answer, places=2, key="secret")) == 2
    free, customer = asked
    assert free.host == "api.open-meteo.com"
    assert "apikey" not in free.params
    assert (customer.host, customer.params["apikey"]) == ("customer-api.open-meteo.com", "secret")
    assert free.params["latitude"] == "48.1,48.1,48.1"
    assert (free.params["timezone"], free.params["wind_speed_unit"]) == ("GMT", "ms")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({}, "unknown form"),
        ([], "answered for 0 places"),
        ([weather(START), weather(START)], "answered for 2 places"),
        ({"hourly": None}, "unknown form"),
        ({"hourly": {"time": []}}, "not hours in a row"),
        ({"hourly": {"time": ["2026-11-21T00:00", "2026-11-21T01:00"]}}, "unknown form"),
        ({"hourly": {"time": [0, 1800, 3600]}}, "not hours in a row"),
        ({"hourly": {"time": [2**62, 2**62 + 3600]}}, "unknown form"),
        (weather(START, hours=3, temperature_2m=[1, 2]), "beside 3 times"),
        (weather(START, hours=3, temperature_2m=["a", "b", "c"]), "unknown form"),
        (weather(START, hours=3, temperature_2m=[[1], [2], [3]]), "unknown form|beside 3 times"),
        ("text", "unknown form"),
        (None, "unknown form"),
    ],
)
def test_an_answer_of_another_form_is_refused(answer: Any, told: str) -> None:
    with pytest.raises(ProviderError, match=told) as raised:
        forecast(answer)
    assert "Open-Meteo" in str(raised.value)


def test_the_words_of_the_provider_are_passed_on_without_the_key() -> None:
    said = httpx.Response(400, json={"error": True, "reason": "Bad apikey secret for latitude."})
    with client(said) as http, pytest.raises(ProviderError) as raised:
        OPEN_METEO.forecast(http, [PLACE], "secret")
    assert str(raised.value) == "Open-Meteo answered 400 Bad Request: Bad apikey (key) for latitude."


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told_as_such(status: int) -> None:
    with client(httpx.Response(status)) as http, pytest.raises(ProviderError, match="Open-Meteo refused the key"):
        OPEN_METEO.forecast(http, [PLACE], "secret")
    with client(httpx.Response(status)) as http, pytest.raises(ProviderError, match="ENTSO-E refused the key"):
        PRICES["entsoe"].day_ahead(http, "DE-LU", *DAY, "secret")


def energy_charts_says(answer: Any, status: int = 200) -> list[Prices]:
    with client(httpx.Response(status, text=json.dumps(answer))) as http:
        return PRICES["energy_charts"].day_ahead(http, "DE-LU", *DAY, "")


def test_prices_of_energy_charts_come_in_steps_as_auctioned() -> None:
    (quarters,) = energy_charts_says(energy_charts(MIDNIGHT, 96))
    assert (quarters.start, quarters.step, quarters.currency) == (MIDNIGHT, QUARTER, "EUR")
    np.testing.assert_array_equal(quarters.values, np.arange(96.0))
    (hours,) = energy_charts_says(energy_charts(MIDNIGHT, 24, 3600, lambda step: -float(step)))
    assert (hours.step, hours.values[-1], hours.end) == (HOUR, -23, DAY[1])


def test_a_gap_parts_the_prices() -> None:
    before, after = energy_charts_says(energy_charts(MIDNIGHT, 24, 3600, lambda step: None if step == 5 else 1.0))
    assert (len(before.values), len(after.values)) == (5, 18)
    assert after.start == MIDNIGHT + 6 * HOUR


def test_nothing_published_is_no_error() -> None:
    assert energy_charts_says({}, status=404) == []
    assert energy_charts_says(energy_charts(MIDNIGHT, 0)) == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        {**energy_charts(MIDNIGHT, 4), "unit": "ct/kWh"},
        {**energy_charts(MIDNIGHT, 4), "price": [1.0]},
        {**energy_charts(MIDNIGHT, 4), "unix_seconds": [4, 3, 2, 1]},
        {**energy_charts(MIDNIGHT, 4), "unix_seconds": [10**30] * 4},
        {**energy_charts(MIDNIGHT, 4), "price": ["a"] * 4},
    ],
)
def test_prices_of_another_form_are_refused(answer: Any) -> None:
    with pytest.raises(ProviderError, match="Energy-Charts answered in an unknown form"):
        energy_charts_says(answer)


def entsoe_answers(body: str, status: int = 200) -> list[Prices]:
    with client(httpx.Response(status, text=body)) as http:
        return PRICES["entsoe"].day_ahead(http, "DE-LU", *DAY, "secret")


def test_entsoe_is_asked_for_the_first_auction_of_the_area() -> None:
    asked: list[httpx.QueryParams] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        return httpx.Response(200, text=entsoe(MIDNIGHT, [1.0] * 24))

    with client(answer) as http:
        PRICES["entsoe"].day_ahead(http, "DE-LU", *DAY, "secret")
    (params,) = asked
    assert params["in_Domain"] == params["out_Domain"] == "10Y1001A1001A82H"
    assert (params["documentType"], params["securityToken"]) == ("A44", "secret")
    assert (params["periodStart"], params["periodEnd"]) == ("202611202300", "202611212300")


def test_points_that_entsoe_leaves_out_repeat_the_one_before() -> None:
    (hours,) = entsoe_answers(entsoe(MIDNIGHT, [10.0, None, -3.5, *[1.0] * 21]))
    assert (hours.start, hours.step) == (MIDNIGHT, HOUR)
    np.testing.assert_array_equal(hours.values[:4], [10, 10, -3.5, 1])
    (quarters,) = entsoe_answers(entsoe(MIDNIGHT, [float(step) for step in range(96)], minutes=15))
    assert (quarters.step, quarters.values[-1]) == (QUARTER, 95)


@pytest.mark.parametrize("status", [200, 400])
def test_entsoe_says_that_there_is_nothing_yet(status: int) -> None:
    assert entsoe_answers(entsoe_says("No matching data found for Data item"), status) == []


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (entsoe_says("Too bad"), 200, "no prices in EUR"),
        (entsoe(MIDNIGHT, [1.0] * 24, currency="GBP"), 200, "no prices in EUR"),
        (entsoe(MIDNIGHT, [1.0] * 24).replace("PT60M", "PT7M"), 200, "unknown form"),
        (entsoe(MIDNIGHT, [1.0] * 24).replace("<position>1<", "<position>x<"), 200, "unknown form"),
        (entsoe(MIDNIGHT, [1.0] * 24).replace("<start>", "<begin>"), 200, "unknown form"),
        ("<html>EUR", 200, "no prices in EUR"),
        ("", 500, "answered 500"),
    ],
)
def test_other_answers_of_entsoe_are_refused(body: str, status: int, told: str) -> None:
    with pytest.raises(ProviderError, match=told) as raised:
        entsoe_answers(body, status)
    assert "secret" not in str(raised.value)


def test_every_zone_is_an_area_of_entsoe() -> None:
    from entsoe.mappings import lookup_area

    from forecasting.providers.zones import ZONES

    assert len({lookup_area(name).code for name in ZONES.values()}) == len(ZONES)


def test_a_time_change_leaves_no_gap() -> None:
    """The last Sunday of October has 100 quarter-hours."""
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    answer = partial(energy_charts, start, 100)
    (found,) = energy_charts_says(answer())
    assert (len(found.values), found.end) == (100, datetime(2026, 10, 25, 23, tzinfo=UTC))
