"""Prices from providers to the price series of tariffs; only the transport of HTTP is made by the tests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django_scopes import scopes_disabled

from assets.models import PriceSeries, PriceValues
from assets.queries import known_prices
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting import tasks
from forecasting.models import PriceFeed
from forecasting.services import (
    create_price_feed,
    delete_price_feed,
    request_prices,
    set_provider_key,
    update_price_feed,
)
from tests.conftest import People
from tests.factories import PriceSeriesFactory
from tests.forecasting.providers.answers import energy_charts, entsoe, entsoe_says, maker

# entsoe-py reads XML with an HTML parser, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like you:UserWarning")

NOW = datetime(2026, 11, 21, 12, 10, tzinfo=UTC)
TODAY = datetime(2026, 11, 20, 23, tzinfo=UTC)
DAY, HOUR, QUARTER = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def in_a(people: People, clock: Any) -> Iterator[None]:
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        yield


@pytest.fixture
def series(people: People) -> PriceSeries:
    found: PriceSeries = PriceSeriesFactory(organization=people.a, name="Day-ahead")
    return found


def feed(people: People, into: PriceSeries, **changes: Any) -> PriceFeed:
    values = {"series": into, "provider": "energy_charts", "zone": "DE-LU", **changes}
    return create_price_feed(organization=people.a, values=values)


def fetched(people: People, monkeypatch: pytest.MonkeyPatch, *answers: Any, **asked: Any) -> Job:
    monkeypatch.setattr(tasks, "Http", maker(*answers))
    job = request_prices(organization=people.a, **asked)
    execute(job.pk, worker="w", beat_every=0)
    return Job.objects.get(pk=job.pk)


def says(start: datetime, count: int) -> httpx.Response:
    return httpx.Response(200, json=energy_charts(start, count, price=lambda step: step * 10.0))


@pytest.mark.usefixtures("in_a")
def test_prices_become_those_of_the_series_per_kwh_a_whole_day_at_a_time(
    people: People, series: PriceSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(people, series)
    # Yesterday's last hour, today whole, and ten hours of tomorrow, which is not published yet.
    job = fetched(people, monkeypatch, says(TODAY - HOUR, 4 + 96 + 40))
    assert (job.status, job.result) == (Job.Status.SUCCEEDED, {"deliveries": 1}), job.error
    row = PriceValues.objects.get()
    assert (row.start, row.end, row.step_seconds, row.source) == (TODAY, TODAY + DAY, 900, "Energy-Charts")
    assert row.received_at == NOW
    step, values = known_prices(series, TODAY, TODAY + HOUR)
    assert step == QUARTER
    np.testing.assert_allclose(values, [0.04, 0.05, 0.06, 0.07])
    stored = PriceFeed.objects.get()
    assert (stored.fetched_at, stored.is_stale, stored.is_failing) == (NOW, False, False)


@pytest.mark.usefixtures("in_a")
def test_the_same_prices_are_stored_once_and_tomorrow_when_it_is_there(
    people: People, series: PriceSeries, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    feed(people, series)
    fetched(people, monkeypatch, says(TODAY, 96))
    clock.shift(HOUR)
    fetched(people, monkeypatch, says(TODAY, 192))
    assert list(PriceValues.objects.values_list("start", "received_at")) == [
        (TODAY, NOW),
        (TODAY + DAY, NOW + HOUR),
    ]
    _, then = known_prices(series, TODAY + DAY, TODAY + 2 * DAY, NOW)
    assert np.isnan(then).all(), "what was fetched later was not known then"


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize("sunday", [datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)])
def test_days_of_23_and_25_hours_are_whole(
    people: People,
    series: PriceSeries,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
    sunday: datetime,
) -> None:
    clock.move_to(sunday + 12 * HOUR)
    feed(people, series)
    job = fetched(people, monkeypatch, says(sunday - DAY, 300))
    assert job.result["deliveries"] == 3
    quarters = {len(row.values) for row in PriceValues.objects.filter(start=sunday)}
    assert quarters == {92 if sunday.month == 3 else 100}


@pytest.mark.usefixtures("in_a")
def test_entsoe_needs_a_key_and_the_other_feeds_do_not_suffer(
    people: People, series: PriceSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(people, series)
    feed(people, PriceSeriesFactory(organization=people.a, name="Austria"), provider="entsoe", zone="AT")
    job = fetched(people, monkeypatch, says(TODAY, 96))
    assert job.status == Job.Status.FAILED
    assert job.error == "Austria: ENTSO-E needs a key, and none is stored. Prices from before stay."
    assert [each.is_failing for each in PriceFeed.objects.order_by("zone")] == [True, False]
    set_provider_key(organization=people.a, provider="entsoe", key="top-secret")
    answer = httpx.Response(200, text=entsoe(TODAY, [50.0] * 96, minutes=15))

    def either(request: httpx.Request) -> httpx.Response:
        if request.url.host == "web-api.tp.entsoe.eu":
            assert request.url.params["securityToken"] == "top-secret"
            return answer
        return says(TODAY, 96)

    job = fetched(people, monkeypatch, either)
    assert job.status == Job.Status.SUCCEEDED, job.error
    assert "top-secret" not in f"{job.input}{job.result}{job.title}"
    _, values = known_prices(PriceSeries.objects.get(name="Austria"), TODAY, TODAY + DAY)
    np.testing.assert_allclose(values, 0.05)


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(503), "Energy-Charts answered 503 Service Unavailable (4 attempts)."),
        (httpx.Response(429), "Energy-Charts answered 429 Too Many Requests (4 attempts)."),
        (httpx.Response(200, text="<html>"), "Energy-Charts answered with what is no JSON."),
        (httpx.Response(404), "Energy-Charts has no prices of DE-LU for 2026-11-22."),
        (httpx.Response(200, json=energy_charts(TODAY, 96, price=lambda _: 1e9)), "no prices of DE-LU for 2026-11-22"),
    ],
)
def test_while_a_provider_is_down_the_prices_from_before_stay_and_become_stale(
    people: People,
    series: PriceSeries,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
    answer: httpx.Response,
    told: str,
) -> None:
    feed(people, series)
    fetched(people, monkeypatch, says(TODAY, 96))
    clock.shift(DAY + 3 * HOUR)
    job = fetched(people, monkeypatch, answer)
    assert job.status == Job.Status.FAILED
    assert told in job.error
    stored = PriceFeed.objects.get()
    assert (stored.is_stale, stored.is_failing) == (True, True)
    assert PriceValues.objects.count() == 1
    assert "The prices of Day-ahead are stale" in people.client("bob").get("/o/a/").content.decode()


@pytest.mark.usefixtures("in_a")
def test_prices_that_cannot_be_are_not_stored(
    people: People, series: PriceSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(people, series)
    answer = httpx.Response(200, json=energy_charts(TODAY, 96, price=lambda _: 1e9))
    assert "Energy-Charts told what cannot be" in fetched(people, monkeypatch, answer).error
    assert not PriceValues.objects.exists()


@pytest.mark.usefixtures("in_a")
def test_nothing_from_entsoe_yet_is_told(people: People, series: PriceSeries, monkeypatch: pytest.MonkeyPatch) -> None:
    set_provider_key(organization=people.a, provider="entsoe", key="k")
    feed(people, series, provider="entsoe")
    answer = httpx.Response(200, text=entsoe_says("No matching data found for Data item"))
    assert "ENTSO-E has no prices of DE-LU for 2026-11-21" in fetched(people, monkeypatch, answer).error


@pytest.mark.usefixtures("in_a")
def test_a_year_of_prices_comes_by_one_request(
    people: People, series: PriceSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(people, series)
    first = datetime(2025, 11, 25, 23, tzinfo=UTC)
    job = fetched(people, monkeypatch, says(first, 96 * 362), days=360)
    assert (job.status, job.result["deliveries"]) == (Job.Status.SUCCEEDED, 361 + 1), job.error
    for days in (0, 361):
        with pytest.raises(ValidationError, match="allowed: 1 to 360"):
            request_prices(organization=people.a, days=days)


@pytest.mark.usefixtures("in_a")
def test_a_feed_takes_only_what_fits(people: People, series: PriceSeries) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"provider": "https://evil.example"}, "provider"),
        ({"zone": "XX"}, "zone"),
        ({"series": PriceSeriesFactory(organization=people.b)}, "series"),
        ({"series": PriceSeriesFactory(organization=people.a, currency="GBP")}, "series"),
    ]
    for changes, field in wrong:
        with pytest.raises(ValidationError) as raised:
            feed(people, series, **changes)
        assert field in raised.value.message_dict
    mine = feed(people, series)
    with pytest.raises(ValidationError):
        feed(people, series, zone="AT")
    assert update_price_feed(feed=mine, values={"zone": "AT"}).zone == "AT"
    feed(people, series, provider="entsoe")
    delete_price_feed(feed=mine)
    assert PriceFeed.objects.get().provider == "entsoe"


def test_the_clock_and_the_command_ask(people: People, clock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="A fetches no prices; add a feed first"):
        call_command("fetch_prices", "--organization", "a")
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        feed(people, PriceSeriesFactory(organization=people.a))
    call_command("fetch_prices", "--organization", "a", "--days", "30")
    tasks.ask_for_prices()
    tasks.ask_for_prices()
    with scopes_disabled():
        assert [job.input for job in Job.objects.order_by("pk")] == [{"days": 30}, {"days": 1}]
    assert "Fetch prices" in capsys.readouterr().out
    with pytest.raises(CommandError, match="days is 400"):
        call_command("fetch_prices", "--organization", "a", "--days", "400")
