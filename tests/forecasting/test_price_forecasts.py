"""Prices that no auction has told yet: forecast every night, and planned with until they are received."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import PriceSeries, Site
from assets.services import receive_prices
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door, Organization
from flexplatform.accounts.scoping import organization_scope
from forecasting.engine.models import MODELS
from forecasting.models import PriceForecast
from forecasting.services.price_forecasting import forecast_prices
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Horizon
from optimization.inputs import site_inputs
from optimization.models import ScheduleRun
from optimization.origins import origins_of
from tests.conftest import People
from tests.factories import PriceSeriesFactory, SiteFactory, SiteTariffFactory, TariffFactory
from tests.forecasting.own import nightly

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 21, 1, 40, 30, tzinfo=UTC)
# The auction told the 21st in Berlin; the forecast reaches to the end of the 23rd.
TOLD_UNTIL, END = datetime(2026, 11, 21, 23, tzinfo=UTC), datetime(2026, 11, 23, 23, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("in_a")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        yield


def prices(hours: int, level: float = 0.1) -> "np.typing.NDArray[np.float64]":
    """Return hourly prices per kWh until the end of what the auction told: dear in the evening, cheap at night."""
    hour = (np.arange(hours) - hours) % 24
    noise = np.random.default_rng(2).normal(0, 0.003, hours)
    return level + 0.05 * np.sin((hour - 12) / 24 * 2 * np.pi) + noise


def series_of(organization: Organization, days: int, name: str = "DE-LU", *, used: bool = True) -> PriceSeries:
    """Return a series with so many days of prices, which a site of the organization pays."""
    series: PriceSeries = PriceSeriesFactory(organization=organization, name=name)
    if days:
        values = prices(days * 24)
        received = NOW - 12 * HOUR
        receive_prices(series=series, start=TOLD_UNTIL - days * DAY, step=HOUR, values=values, received_at=received)
    if used:
        tariff = TariffFactory(organization=organization, name=f"By {name}", form="dynamic", price_series=series)
        SiteTariffFactory(site=SiteFactory(organization=organization, slug=name.lower()), tariff=tariff)
    return series


def horizon(start: datetime, hours: int = 24) -> Horizon:
    return Horizon(start, HOUR, hours)


def test_the_nightly_run_forecasts_the_prices_that_tariffs_refer_to(people: People) -> None:
    series = series_of(people.a, 40)
    series_of(people.a, 40, "unused", used=False)
    job = nightly(people.a)
    assert (job.result["prices"], job.result["prices_left_out"]) == (1, {})
    made = PriceForecast.objects.get()
    assert (made.series, made.issued_at, made.start, made.end) == (series, NOW, TOLD_UNTIL, END)
    assert (made.model, made.version, made.step_seconds) == ("ridge", MODELS["ridge"].version, 3600)
    assert np.abs(np.asarray(made.mean) - prices(42 * 24)[-48:]).mean() < 0.01
    bands = np.stack(list(made.by_level.values()))
    assert bands.shape == (9, 48)
    assert (np.diff(bands, axis=0) >= 0).all()
    assert AuditEvent.objects.get(action="priceforecast.make").after["model"] == "ridge"


def test_the_page_of_forecasts_tells_of_prices(people: People) -> None:
    series = series_of(people.a, 40)
    client = people.client("alice")
    assert "Prices that are not published yet" not in client.get("/o/a/forecasts/").content.decode()
    forecast_prices(organization=people.a, series=[series.pk], at=NOW)
    page = client.get("/o/a/forecasts/").content.decode()
    assert "DE-LU" in page
    assert "2026-11-24 00:00" in page


def test_a_second_attempt_stores_nothing_again(people: People) -> None:
    series = series_of(people.a, 10)
    for _ in range(2):
        assert forecast_prices(organization=people.a, series=[series.pk], at=NOW).forecasts == 1
    assert PriceForecast.objects.count() == 1


def test_only_what_was_known_then_is_used(people: People) -> None:
    series = series_of(people.a, 40)
    forecast_prices(organization=people.a, series=[series.pk], at=NOW - HOUR)
    # Received after the time that is asked for.
    receive_prices(series=series, start=TOLD_UNTIL - DAY, step=HOUR, values=[9.0] * 24, received_at=NOW)
    forecast_prices(organization=people.a, series=[series.pk], at=NOW - HOUR / 2)
    first, second = (np.asarray(each.mean) for each in PriceForecast.objects.order_by("issued_at"))
    assert np.array_equal(first, second)


def test_a_foreign_series_is_not_forecast(people: People) -> None:
    with organization_scope(people.b), acting(people.charlie, Door.PORTAL):
        foreign = series_of(people.b, 10)
    assert forecast_prices(organization=people.a, series=[foreign.pk], at=NOW).forecasts == 0
    with organization_scope(people.b):
        assert PriceForecast.objects.count() == 0


@pytest.mark.parametrize(
    ("days", "at", "why"),
    [
        (0, NOW, "it needs 1 day of prices"),
        (10, NOW + 10 * DAY, "It has received no price since 2026-11-21 23:00 UTC"),
    ],
)
def test_a_series_that_cannot_be_forecast_says_why(people: People, days: int, at: datetime, why: str) -> None:
    series = series_of(people.a, days)
    outcome = forecast_prices(organization=people.a, series=[series.pk], at=at)
    assert outcome.forecasts == 0
    assert why in outcome.left_out[series.name]


def test_prices_that_are_known_far_ahead_need_no_forecast(people: People) -> None:
    series = series_of(people.a, 10)
    receive_prices(series=series, start=TOLD_UNTIL, step=HOUR, values=[0.1] * 72, received_at=NOW)
    outcome = forecast_prices(organization=people.a, series=[series.pk], at=NOW)
    assert (outcome.forecasts, outcome.left_out, PriceForecast.objects.count()) == (0, {}, 0)


def paid(site: Site, asked: Horizon, known_at: datetime | None = None) -> tuple[list[float], Any]:
    """Return what the site pays for import by its tariff, and where that came from."""
    inputs = site_inputs(site, asked, known_at)
    assert inputs.prices is not None
    return np.asarray(inputs.prices.import_eur_per_kwh).tolist(), inputs.sources["prices"]


def test_a_plan_goes_by_expected_prices_until_they_are_received(people: People, clock: time_machine.Traveller) -> None:
    series = series_of(people.a, 40)
    site = Site.objects.get(slug="de-lu")
    asked = horizon(TOLD_UNTIL - 6 * HOUR)
    with pytest.raises(ProblemError, match="without a price at 2026-11-22 00:00"):
        paid(site, asked)
    forecast_prices(organization=people.a, series=[series.pk], at=NOW)
    made = PriceForecast.objects.get()
    values, source = paid(site, asked)
    margin = values[0] - prices(40 * 24)[-6]
    assert values[:6] == pytest.approx(prices(40 * 24)[-6:] + margin)
    assert values[6:] == pytest.approx(np.asarray(made.mean)[:18] + margin)
    (expected,) = source["expected"]
    assert expected == {
        "from": TOLD_UNTIL.isoformat(),
        "series": "DE-LU",
        "by": "FlexPlatform",
        "model": "ridge",
        "issued_at": NOW.isoformat(),
        "forecast": made.pk,
    }
    run = ScheduleRun(site=site, input_sources={"prices": source})
    words = "tariffs of the site; DE-LU from 2026-11-22 00:00 as forecast by FlexPlatform, issued 2026-11-21 02:40"
    assert origins_of(run)[0].words == words
    with pytest.raises(ProblemError):
        paid(site, asked, NOW - HOUR)
    clock.move_to(NOW + 12 * HOUR)
    receive_prices(series=series, start=TOLD_UNTIL, step=HOUR, values=[0.2] * 24)
    values, source = paid(site, asked)
    assert values[6:] == pytest.approx([0.2 + margin] * 18)
    assert "expected" not in source
    # As known before the auction, it is as it was.
    assert paid(site, asked, NOW)[1]["expected"] == [expected]


def test_prices_that_were_received_cost_no_query_more(people: People) -> None:
    series_of(people.a, 10)
    site = Site.objects.get(slug="de-lu")
    with CaptureQueriesContext(connection) as made:
        paid(site, horizon(TOLD_UNTIL - DAY))
    assert not [query for query in made.captured_queries if "priceforecast" in query["sql"]]
