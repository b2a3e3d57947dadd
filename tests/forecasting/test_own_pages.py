"""The pages of own forecasts: one channel as it is and as it was known, the list, the league, and what starts work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import time_machine
from django.core.cache import cache

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting.models import ChannelForecast, ForecastRun
from forecasting.services import receive_forecast
from forecasting.services.forecasting import forecast_channels
from telemetry.models import Channel
from tests.conftest import People
from tests.factories import ElectricLoadFactory, SiteFactory
from tests.forecasting.makers import delivery
from tests.forecasting.own import DAY, NOW, ORIGIN, demand, home, measure

CHANNEL_QUERIES, CHART_QUERIES, LIST_QUERIES, LEAGUE_QUERIES = 7, 6, 6, 4
SCORES = {"pinball_percent": 6.0, "coverage_percent": 81.0, "bias_percent": 2.0, "skill_percent": 40.0}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def own(people: People) -> ChannelForecast:
    """A load with a month of readings, among them a spike of 500 kW and a gap of six hours, and today's forecast."""
    with organization_scope(people.a), acting(people.alice, Door.COMMAND):
        _, channel = home(people.a)
        values = demand(30)
        values[-20] = 500
        values[-120:-96] = np.nan
        measure(channel, values)
        found = ChannelForecast.objects.create(organization=people.a, channel=channel)
        forecast_channels(organization=people.a, own=[found.pk], at=NOW)
        found.refresh_from_db()
        return found


def charts(people: People, own: ChannelForecast, what: str = "charts", **asked: Any) -> dict[str, Any]:
    """Return the charts of a channel's page by name."""
    page = people.client("alice").get(f"/o/a/forecasts/{own.channel_id}/{what}.json", asked).json()
    return {chart["name"]: chart for chart in page["charts"]}


def lines(chart: dict[str, Any]) -> dict[str, list[float | None]]:
    return {series["label"]: series["values"] for series in chart["series"]}


def test_a_forecast_stands_beside_what_came_and_what_is_wrong(people: People, own: ChannelForecast) -> None:
    found = charts(people, own)
    assert set(found) == {"power"}
    power = lines(found["power"])
    assert {"10 % quantile", "30 % quantile", "70 % quantile", "90 % quantile", "Expected", "Measured"} < set(power)
    assert [value for value in power["Spike"] if value is not None] == [500]
    # The spike leaves the chart, so that all else can be seen.
    assert found["power"]["scale_to"] < 10
    # From yesterday's midnight in Berlin the 21st begins at step 96; readings end at 02:30, the forecast begins there.
    assert power["Measured"][96 + 9] is not None
    assert power["Measured"][96 + 10] is None
    assert [value is None for value in power["Expected"]].index(False) == 96 + 10
    page = people.client("alice").get(f"/o/a/forecasts/{own.channel_id}/").content.decode()
    for text in ("Ridge regression", "Spike", "Gap", "Forecast now", "Choose model now", "data-issued="):
        assert text in page


def test_the_error_is_that_of_the_forecast_and_of_taking_the_day_before(
    people: People, own: ChannelForecast, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOW + DAY)
    with organization_scope(people.a), acting(people.alice, Door.COMMAND):
        measure(own.channel, np.full(96, 2.0), ORIGIN + DAY)
    found = charts(people, own, day="2026-11-22", days=1)
    expected, error = lines(found["power"])["Expected"], lines(found["error"])
    # There are readings until 02:30; those of the day before are the history's.
    assert error["Forecast - outcome"][:10] == pytest.approx([(value or 0) - 2 for value in expected[:10]], abs=1e-4)
    assert error["Forecast - outcome"][10] is None
    assert error["Day before - outcome"][:10] == pytest.approx(demand(30)[-10:] - 2, abs=1e-4)


def test_a_viewer_sees_a_forecast_and_starts_nothing(people: People, own: ChannelForecast) -> None:
    page = people.client("bob").get(f"/o/a/forecasts/{own.channel_id}/").content.decode()
    assert "Ridge regression" in page
    assert "Forecast now" not in page


def test_a_past_forecast_is_shown_as_it_was_known(
    people: People, own: ChannelForecast, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOW + DAY)
    with organization_scope(people.a), acting(people.alice, Door.COMMAND):
        asset = own.channel.asset
        assert asset is not None
        late = delivery(
            asset.site, asset.pk, issued_at=NOW + DAY, start=datetime(2026, 11, 21, 23, tzinfo=UTC), values=[7.0] * 96
        )
        receive_forecast(organization=people.a, delivery=late)
    asked = {"day": "2026-11-22", "days": 1}
    then = lines(charts(people, own, **asked, known_at="2026-11-21T02:41")["power"])["Expected"]
    now = lines(charts(people, own, **asked)["power"])["Expected"]
    assert set(now) == {7.0}
    assert max(value for value in then if value is not None) < 4
    assert "Expected" not in lines(charts(people, own, day="2026-11-20", known_at="2026-11-21T02:40")["power"])
    page = people.client("alice").get(f"/o/a/forecasts/{own.channel_id}/", asked).content.decode()
    # The minute from which each of both was known, the newest first.
    assert page.index('data-issued="2026-11-22T02:41"') < page.index('data-issued="2026-11-21T02:41"')


@pytest.mark.parametrize(
    "asked", [{"day": "x"}, {"days": "5"}, {"known_at": "yesterday"}, {"day": "9999-12-31"}, {"day": "2000-01-01"}]
)
def test_an_odd_question_is_answered(people: People, own: ChannelForecast, asked: dict[str, str]) -> None:
    client = people.client("alice")
    assert client.get(f"/o/a/forecasts/{own.channel_id}/", asked).status_code == 200
    assert client.get(f"/o/a/forecasts/{own.channel_id}/charts.json", asked).status_code == 200


def test_scores_of_a_day_are_the_means_of_its_forecasts(people: People, own: ChannelForecast) -> None:
    with organization_scope(people.a):
        run = ForecastRun.objects.get()
        for back, loss in ((1, 6.0), (1, 8.0), (40, 99.0)):
            run.pk, run.issued_at = None, NOW - back * DAY - timedelta(seconds=loss)
            run.start, run.end, run.known_until = (each - back * DAY for each in (run.start, run.end, run.known_until))
            run.scores = {**SCORES, "pinball_percent": loss}
            run.save()
            run = ForecastRun.objects.get(scores__isnull=True)
    found = charts(people, own, "scores")
    pinball = lines(found["pinball"])
    assert [value for value in pinball["Own forecast"] if value is not None] == [7.0]
    assert pinball["Own forecast"][-2] == 7.0
    assert pinball["As yesterday"][-2] == pytest.approx(7.0 / 0.6, abs=1e-4)
    assert lines(found["coverage"])["Coverage of the 80 % band"][-2] == 81.0


@pytest.mark.parametrize(("page", "kind"), [("forecast", "forecast_organization"), ("choose", "choose_models")])
def test_buttons_start_jobs_in_the_name_of_who_pressed(
    people: People, own: ChannelForecast, page: str, kind: str
) -> None:
    client = people.client("alice")
    answer = client.post(f"/o/a/forecasts/{own.channel_id}/{page}/")
    with organization_scope(people.a):
        job = Job.objects.get(kind=kind)
        assert answer["Location"] == f"/o/a/jobs/{job.pk}/"
        assert job.input == {"channels": [own.channel_id]}
        event = AuditEvent.objects.get(action="job.request", object_id=str(job.pk))
        assert (event.user, event.door) == (people.alice, Door.PORTAL)
    assert client.post(f"/o/a/forecasts/{page}/").status_code == 302
    with organization_scope(people.a):
        assert Job.objects.filter(kind=kind).latest("pk").input.get("channels") is None


def test_a_channel_without_own_forecast_is_not_forecast_and_the_page_says_so(people: People) -> None:
    with organization_scope(people.a), acting(people.alice, Door.COMMAND):
        _, channel = home(people.a)
    client = people.client("alice")
    answer = client.post(f"/o/a/forecasts/{channel.pk}/forecast/", follow=True)
    assert f"channels has {channel.pk}; allowed: ids of channels" in answer.content.decode()
    assert client.get(f"/o/a/forecasts/{channel.pk}/").status_code == 200
    assert client.post(f"/o/a/forecasts/{channel.pk}/change/").status_code == 404


def test_the_choice_for_one_channel_trains_nothing_that_others_share(people: People, own: ChannelForecast) -> None:
    people.client("alice").post(f"/o/a/forecasts/{own.channel_id}/choose/")
    with organization_scope(people.a):
        execute(Job.objects.get(kind="choose_models").pk, worker="tests", beat_every=0)
        part = Job.objects.get(kind="choose_models_chunk")
        assert (part.input["own"], part.input["train"]) == ([own.pk], None)


def test_a_model_is_forced_and_the_forecast_switched_off(people: People, own: ChannelForecast) -> None:
    with organization_scope(people.a):
        ChannelForecast.objects.update(scores_by_model={"climatology": SCORES, "ridge": SCORES})
    client, page = people.client("alice"), f"/o/a/forecasts/{own.channel_id}/"
    assert client.post(f"{page}change/", {"enabled": "on", "forced_model": "physical_pv"}).status_code == 422
    assert client.post(f"{page}change/", {"forced_model": "climatology"}).status_code == 302
    own.refresh_from_db()
    assert (own.enabled, own.forced_model) == (False, "climatology")
    with organization_scope(people.a):
        assert AuditEvent.objects.get(action="channelforecast.change").after["forced_model"] == "climatology"
    assert "chosen by hand" in client.get(page).content.decode()


def many(people: People, count: int) -> list[ChannelForecast]:
    """Store so many loads with an own forecast each."""
    found = []
    with organization_scope(people.a), acting(people.alice, Door.COMMAND):
        for number in range(count):
            site = SiteFactory(organization=people.a, name=f"Site {number}")
            asset = ElectricLoadFactory(site=site, name=f"load {number}")
            channel = Channel(organization=people.a, site=site, asset=asset, quantity="demand_kw")
            channel.full_clean()
            channel.save()
            values = {"recent_scores": SCORES, "scores_by_model": {"ridge": SCORES, "yesterday": SCORES}}
            found.append(
                ChannelForecast.objects.create(organization=people.a, channel=channel, chosen_model="ridge", **values)
            )
    return found


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_and_the_league_ask_no_more_for_more_channels(
    people: People, count: int, django_assert_num_queries: Any
) -> None:
    many(people, count)
    client = people.client("alice")
    client.get("/o/a/forecasts/")
    with django_assert_num_queries(LIST_QUERIES):
        page = client.get("/o/a/forecasts/").content.decode()
    assert page.count("Ridge regression") == count
    with django_assert_num_queries(LEAGUE_QUERIES):
        league = client.get("/o/a/forecasts/models/").content.decode()
    assert league.count("Ridge regression") == 1
    assert f"<span>{count}</span>" in league


@pytest.mark.parametrize("count", [1, 3])
def test_a_channel_asks_no_more_for_more_forecasts(
    people: People, own: ChannelForecast, count: int, django_assert_num_queries: Any
) -> None:
    with organization_scope(people.a):
        run = ForecastRun.objects.get()
        for number in range(1, count):
            run.pk, run.issued_at = None, NOW + timedelta(seconds=number)
            run.save()
    client, page = people.client("alice"), f"/o/a/forecasts/{own.channel_id}/"
    cache.clear()
    client.get(page)
    with django_assert_num_queries(CHANNEL_QUERIES):
        assert client.get(page).content.decode().count("data-issued=") == count
    with django_assert_num_queries(CHART_QUERIES):
        client.get(f"{page}charts.json")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({}, {0, 1, 2}),
        ({"text": "site 1"}, {1}),
        ({"text": "load 2"}, {2}),
        ({"kind": "electric_load"}, {0, 1, 2}),
        ({"kind": "pv"}, set()),
        ({"kind": "moon"}, {0, 1, 2}),
        ({"state": "drifted"}, {0}),
        ({"state": "problem"}, {1}),
        ({"state": "off"}, {2}),
        ({"state": "on"}, {0, 1}),
        ({"state": "stale"}, {0, 1}),
    ],
)
def test_the_list_shows_what_is_asked_for(people: People, asked: dict[str, str], shown: set[int]) -> None:
    drifted, broken, off = many(people, 3)
    with organization_scope(people.a):
        ChannelForecast.objects.filter(pk=drifted.pk).update(drifted=True)
        ChannelForecast.objects.filter(pk=broken.pk).update(problem="No readings.")
        ChannelForecast.objects.filter(pk=off.pk).update(enabled=False)
    page = people.client("alice").get("/o/a/forecasts/", asked).content.decode()
    assert {number for number in range(3) if f">load {number}.demand_kw<" in page} == shown


def test_an_alert_leads_to_what_has_drifted(people: People) -> None:
    first, *_ = many(people, 3)
    client = people.client("alice")
    with organization_scope(people.a):
        ChannelForecast.objects.filter(pk=first.pk).update(drifted=True)
    assert f'href="/o/a/forecasts/{first.channel_id}/"' in client.get("/o/a/").content.decode()
    assert "were much worse than the back-test" in client.get(f"/o/a/forecasts/{first.channel_id}/").content.decode()
    with organization_scope(people.a):
        ChannelForecast.objects.update(drifted=True)
    assert 'href="/o/a/forecasts/?state=drifted"' in client.get("/o/a/").content.decode()
