"""Weather from a provider to the forecasts of sites; only the transport of HTTP is made by the tests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest
import time_machine
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_scopes import scopes_disabled

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting import tasks
from forecasting.engine.grid import Grid
from forecasting.models import ForecastRun, WeatherFeed
from forecasting.queries import forecasts_of
from forecasting.services import import_forecasts, request_weather, set_provider_key, switch_weather
from forecasting.weather import weather_of
from tests.conftest import People
from tests.factories import PhotovoltaicFactory, SiteFactory
from tests.forecasting.providers.answers import maker, weather_of_all

NOW = datetime(2026, 11, 21, 1, 20, tzinfo=UTC)
TODAY = datetime(2026, 11, 21, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRID = Grid(TODAY, HOUR, 24)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller
    cache.clear()


@pytest.fixture
def in_a(people: People, clock: Any) -> Iterator[None]:
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        switch_weather(organization=people.a, enabled=True)
        yield


@pytest.fixture
def sites(people: People) -> list[Site]:
    """Two neighbours, of which one has a PV plant, and one far away."""
    near = [SiteFactory(organization=people.a, latitude=48.137, longitude=11.575) for _ in range(2)]
    far = SiteFactory(organization=people.a, latitude=53.55, longitude=9.99)
    SiteFactory(organization=people.b)
    PhotovoltaicFactory(site=near[0])
    return [*near, far]


def answered(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> list[httpx.Request]:
    """Let providers answer so, and return what they were asked."""
    asked: list[httpx.Request] = []

    def noted(answer: Any) -> Any:
        def handle(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return answer if isinstance(answer, httpx.Response) else answer(request)

        return handle

    monkeypatch.setattr(tasks, "Http", maker(*(noted(each) for each in answers)))
    return asked


def fetched(people: People) -> Job:
    job = request_weather(organization=people.a)
    execute(job.pk, worker="w", beat_every=0)
    return Job.objects.get(pk=job.pk)


well = partial(weather_of_all, start=TODAY)


@pytest.mark.usefixtures("in_a")
def test_sites_get_what_they_need_by_one_request_for_neighbours(
    people: People, sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answered(monkeypatch, well)
    job = fetched(people)
    assert (job.status, job.result) == (Job.Status.SUCCEEDED, {"sites": 3}), job.error
    (request,) = asked
    assert (request.url.params["latitude"], request.url.params["longitude"]) == ("48.15,53.55", "11.55,10")
    quantities = [
        set(ForecastRun.objects.filter(channel__site=site).values_list("channel__quantity", flat=True))
        for site in sites
    ]
    assert quantities[1] == quantities[2] == {"ambient_temperature_c", "irradiance_w_per_m2"}
    assert quantities[0] == quantities[1] | {
        "direct_normal_irradiance_w_per_m2",
        "diffuse_irradiance_w_per_m2",
        "wind_speed_m_per_s",
    }
    run = ForecastRun.objects.get(channel__site=sites[2], channel__quantity="ambient_temperature_c")
    assert (run.source, run.issued_at, run.start, run.count) == ("Open-Meteo", NOW, TODAY, 95)
    feed = WeatherFeed.objects.get()
    assert (feed.fetched_at, feed.is_stale, feed.is_failing) == (NOW, False, False)


@pytest.mark.usefixtures("in_a")
def test_asked_again_soon_the_answer_before_is_taken(
    people: People, sites: list[Site], clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answered(monkeypatch, well)
    fetched(people)
    clock.shift(20 * 60)
    count = ForecastRun.objects.count()
    assert fetched(people).status == Job.Status.SUCCEEDED
    assert (len(asked), ForecastRun.objects.count()) == (1, count)


@pytest.mark.usefixtures("in_a")
def test_a_second_attempt_does_only_what_the_first_left(
    people: People, sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = request_weather(organization=people.a)
    answered(monkeypatch, well)
    execute(job.pk, worker="w", beat_every=0)
    new = SiteFactory(organization=people.a, latitude=50.0, longitude=8.0)
    cache.clear()
    Job.objects.filter(pk=job.pk).update(status=Job.Status.QUEUED, finished_at=None)
    asked = answered(monkeypatch, well)
    execute(job.pk, worker="w", beat_every=0)
    assert [request.url.params["latitude"] for request in asked] == ["50"]
    assert ForecastRun.objects.filter(channel__site=new).count() == 2


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(503), "Open-Meteo answered 503 Service Unavailable"),
        (httpx.Response(429), "Open-Meteo answered 429 Too Many Requests (4 attempts)"),
        (httpx.Response(200, text="<html>"), "Open-Meteo answered with what is no JSON."),
        (httpx.Response(200, text="{}"), "answered"),
        (partial(well, temperature_2m=[1000.0] * 96), "Open-Meteo told what cannot be"),
    ],
)
def test_while_the_provider_is_down_the_forecasts_from_before_stay_and_become_stale(
    people: People,
    sites: list[Site],
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    told: str,
) -> None:
    answered(monkeypatch, well)
    fetched(people)
    before = ForecastRun.objects.count()
    clock.shift(DAY + 3 * HOUR)
    answered(monkeypatch, answer)
    job = fetched(people)
    assert job.status == Job.Status.FAILED
    assert told in job.error
    assert "Forecasts of the weather from before stay." in job.error
    feed = WeatherFeed.objects.get()
    assert (feed.fetched_at, feed.is_stale, feed.is_failing) == (NOW, True, True)
    assert told in feed.error
    assert ForecastRun.objects.count() == before
    assert weather_of(sites, Grid(TODAY + 2 * DAY, HOUR, 3))[sites[0].pk]["temperature_c"][0] == 24.25
    assert fetched(people).status == Job.Status.FAILED
    assert AuditEvent.objects.filter(action="weatherfeed.fail").count() == 1
    page = people.client("bob").get("/o/a/providers/").content.decode()
    assert "stale" in page
    assert "The weather forecast is stale" in people.client("bob").get("/o/a/").content.decode()
    answered(monkeypatch, partial(weather_of_all, start=TODAY + DAY))
    fetched(people)
    feed = WeatherFeed.objects.get()
    assert (feed.is_stale, feed.is_failing) == (False, False)


@pytest.mark.usefixtures("in_a")
def test_a_customer_is_asked_with_the_key_and_it_appears_nowhere(
    people: People, sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_provider_key(organization=people.a, provider="open_meteo", key="top-secret")
    asked = answered(monkeypatch, httpx.Response(400, json={"error": True, "reason": "apikey top-secret is odd"}))
    job = fetched(people)
    assert asked[0].url.params["apikey"] == "top-secret"
    assert asked[0].url.host == "customer-api.open-meteo.com"
    assert "apikey (key) is odd" in job.error
    assert "top-secret" not in f"{job.error}{WeatherFeed.objects.get().error}{list(AuditEvent.objects.values())}"


@pytest.mark.usefixtures("in_a")
def test_many_places_are_asked_for_in_parts(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        SiteFactory(organization=people.a, latitude=47 + number / 10, longitude=10)
    asked = answered(monkeypatch, well)
    assert fetched(people).result == {"sites": 60}
    assert [len(request.url.params["latitude"].split(",")) for request in asked] == [50, 10]


@pytest.mark.usefixtures("in_a")
def test_storing_takes_as_many_queries_for_many_sites_as_for_one(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for number in (1, 3):
        for _ in range(number):
            SiteFactory(organization=people.a)
        cache.clear()
        answered(monkeypatch, well)
        job = request_weather(organization=people.a)
        with CaptureQueriesContext(connection) as made:
            execute(job.pk, worker="w", beat_every=0)
        counts.append(len(made))
        ForecastRun.objects.all().delete()
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("in_a")
def test_weather_is_told_as_it_was_known_then(
    people: People, sites: list[Site], clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, well)
    fetched(people)
    clock.shift(DAY)
    answered(monkeypatch, partial(weather_of_all, start=TODAY + DAY, temperature_2m=[20.0] * 96))
    fetched(people)
    tomorrow = Grid(TODAY + DAY, timedelta(minutes=15), 96)
    site = sites[0]

    def temperature(**asked: Any) -> Any:
        with CaptureQueriesContext(connection) as made:
            found = weather_of(sites, tomorrow, **asked)
        assert len(made) == 1
        return found[site.pk].get("temperature_c")

    assert (temperature() == 20).all()
    assert temperature(known_at=NOW)[0] == 12.25
    assert temperature(known_at=NOW - HOUR) is None
    # As forecast twelve hours ahead: the second forecast was issued at 01:20, so it tells from 14:00 on.
    ahead = temperature(lead=12 * HOUR)
    np.testing.assert_allclose(ahead[:56], 12.25 + np.repeat(np.arange(14), 4) / 2)
    assert (ahead[56:] == 20).all()
    assert temperature(known_at=NOW, lead=12 * HOUR)[-1] == 23.75
    assert set(weather_of(sites, tomorrow)[site.pk]) == {
        "temperature_c",
        "ghi_w_per_m2",
        "dni_w_per_m2",
        "dhi_w_per_m2",
        "wind_speed_10m_m_per_s",
    }


@pytest.mark.usefixtures("in_a")
def test_weather_from_a_file_stands_beside_that_of_a_provider(people: People, sites: list[Site]) -> None:
    names = ["ambient_temperature_c", "direct_normal_irradiance_w_per_m2", "wind_speed_100m_m_per_s"]
    text = f"time,{','.join(f'site.{name}' for name in names)}\n2026-11-21 01:00,5,100,8\n2026-11-21 02:00,6,200,9\n"
    done = import_forecasts(site=sites[0], data=text, issued_at=NOW, source="Own weather station")
    assert done.done, done.wrong
    found = weather_of(sites, Grid(TODAY, HOUR, 2))
    np.testing.assert_array_equal(found[sites[0].pk]["temperature_c"], [5, 6])
    np.testing.assert_array_equal(found[sites[0].pk]["dni_w_per_m2"], [100, 200])
    assert found[sites[1].pk] == {}


@pytest.mark.usefixtures("in_a")
def test_a_plan_gets_the_temperature_of_its_site(
    people: People, sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, well)
    fetched(people)
    assert forecasts_of(sites, GRID)[sites[2].pk][None, "ambient_temperature_c"].complete


def test_the_clock_asks_for_those_who_fetch_and_once_an_hour(people: People, clock: time_machine.Traveller) -> None:
    with acting("tests", Door.COMMAND):
        for organization, enabled in ((people.a, True), (people.b, False)):
            with organization_scope(organization):
                switch_weather(organization=organization, enabled=enabled)
    tasks.ask_for_weather()
    tasks.ask_for_weather()
    with scopes_disabled():
        assert [job.organization for job in Job.objects.filter(kind="fetch_weather")] == [people.a]
    clock.shift(12 * HOUR)
    tasks.ask_for_weather()
    with scopes_disabled():
        assert Job.objects.count() == 2


def test_the_command_asks_and_says_what_is_missing(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="A fetches no weather; switch a provider on first"):
        call_command("fetch_weather", "--organization", "a")
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        switch_weather(organization=people.a, enabled=True)
    call_command("fetch_weather", "--organization", "a", "--key", "night")
    call_command("fetch_weather", "--organization", "a", "--key", "night")
    with organization_scope(people.a):
        job = Job.objects.get()
    assert capsys.readouterr().out == f"Job {job.pk}: Fetch weather\n" * 2
    with pytest.raises(CommandError, match="no organization 'x'"):
        call_command("fetch_weather", "--organization", "x")


@pytest.mark.usefixtures("in_a")
def test_an_unknown_provider_is_refused(people: People) -> None:
    with pytest.raises(ValidationError, match="Allowed: open_meteo"):
        switch_weather(organization=people.a, enabled=True, provider="https://evil.example")
