"""A push: what is made there, what is posted, what is posted again, and what becomes of failures."""

from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import Asset, Site
from flexmarket.flexmeasures import mapping, tasks
from flexmarket.flexmeasures.queries import reflected, with_news
from flexmarket.flexmeasures.services import switch
from flexmarket.models import FlexMeasuresLink, FlexMeasuresSensor, FlexMeasuresServer
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting.services import receive_forecast
from optimization.models import ScheduleRun, ScheduleSeries
from tests.conftest import People
from tests.factories import START, planned_site
from tests.flexmarket.flexmeasures.answers import LittleServer
from tests.flexmarket.flexmeasures.conftest import Push
from tests.forecasting.makers import delivery

Home = tuple[Site, ScheduleRun]


def named(server: LittleServer) -> set[tuple[str, str]]:
    return {(asset, sensor) for asset, sensor, _ in server.posts}


def replanned(run: ScheduleRun, battery: list[float]) -> ScheduleRun:
    """Store a later run of the same steps that differs in the battery's power."""
    rows = list(ScheduleSeries.objects.filter(run=run))
    later = ScheduleRun.objects.get(pk=run.pk)
    later.pk = None
    later.save()
    for row in rows:
        row.pk, row.run = None, later
        if (row.device, row.quantity) == ("battery", "power_kw"):
            row.values = np.array(battery)
        row.save()
    return later


def test_a_site_becomes_an_asset_with_its_devices_below(home: Home, server: LittleServer, push: Push) -> None:
    job = push()
    assert (job.status, job.result) == (Job.Status.SUCCEEDED, {"sites": 1})
    by_name = {each["name"]: each for each in server.assets.values()}
    assert set(by_name) == {"Home", "battery", "load"}
    assert (by_name["Home"]["latitude"], by_name["Home"]["longitude"], by_name["Home"]["account_id"]) == (48.1, 11.5, 3)
    assert {by_name[name]["parent_asset_id"] for name in ("battery", "load")} == {by_name["Home"]["id"]}
    site = Site.objects.get()
    assert by_name["Home"]["external_id"] == f"a:site:{site.pk}"
    assert by_name["battery"]["external_id"] == f"a:device:{Asset.objects.get(name='battery').pk}"
    assert named(server) == {
        ("Home", "power"),
        ("Home", "import price"),
        ("battery", "power"),
        ("battery", "state of charge"),
        ("load", "power"),
    }
    grid = next(body for asset, sensor, body in server.posts if (asset, sensor) == ("Home", "power"))
    run = ScheduleRun.objects.get()
    assert grid == {
        "values": [2.0] * 4,
        "start": START.isoformat(),
        "duration": "PT60M",
        "unit": "kW",
        "prior": run.created_at.isoformat(),
    }
    sensor = FlexMeasuresSensor.objects.get(link__asset=None, name="power")
    assert sensor.pushed_until == START + timedelta(hours=1)


def test_the_same_again_makes_and_posts_nothing(home: Home, server: LittleServer, push: Push) -> None:
    push()
    server.posts.clear()
    server.changed.clear()
    made = (len(server.assets), len(server.sensors))
    assert push().status == Job.Status.SUCCEEDED
    assert (server.posts, server.changed) == ([], [])
    FlexMeasuresLink.objects.all().delete()
    push()
    assert (len(server.assets), len(server.sensors)) == made, "all is found again by our own ids"


def test_of_a_changed_plan_only_what_changed_is_posted(home: Home, server: LittleServer, push: Push) -> None:
    push()
    server.posts.clear()
    later = replanned(home[1], [1.0, -2.5, 1.0, 1.0])
    push()
    ((asset, sensor, body),) = server.posts
    assert (asset, sensor, body["values"]) == ("battery", "power", [-2.5])
    assert body["start"] == (START + mapping.STEP).isoformat()
    assert body["prior"] == later.created_at.isoformat()


def test_a_plan_that_comes_back_is_posted_with_a_later_belief(home: Home, server: LittleServer, push: Push) -> None:
    later = replanned(home[1], [1.0, -2.5, 1.0, 1.0])
    push()
    server.posts.clear()
    later.delete()
    push()
    ((_, _, body),) = server.posts
    assert body["values"] == [1.0]
    assert body["prior"] > later.created_at.isoformat(), "or the deleted one would stay on top there"


def test_other_values_of_the_same_belief_are_posted_anew(home: Home, server: LittleServer, push: Push) -> None:
    server.replaced = True
    assert push().status == Job.Status.SUCCEEDED
    priors = {body["prior"] for _, _, body in server.posts}
    assert len(priors) == 2
    assert min(priors) == home[1].created_at.isoformat()


def test_a_forecast_is_posted_with_its_time_of_issue(
    home: Home, server: LittleServer, push: Push, people: People
) -> None:
    made = delivery(home[0], start=START, values=np.array([1.0, 2.0, 3.0, 4.0]))
    receive_forecast(organization=people.a, delivery=made)
    push()
    (body,) = (body for _, sensor, body in server.posts if sensor == "power forecast")
    assert (body["values"], body["prior"]) == ([1.0, 2.0, 3.0, 4.0], made.issued_at.isoformat())


def test_what_changed_here_changes_there(home: Home, server: LittleServer, push: Push) -> None:
    push()
    server.changed.clear()
    Site.objects.update(name="Villa", latitude=49.0)
    push()
    devices = [{"latitude": 49.0}] * 2
    assert server.changed == [{"name": "Villa", "latitude": 49.0}, *devices], "devices stand at their site"


def test_what_was_deleted_there_is_made_again(home: Home, server: LittleServer, push: Push) -> None:
    push()
    server.delete("battery")
    server.posts.clear()
    replanned(home[1], [1.0, -2.5, 1.0, 1.0])
    assert push().status == Job.Status.SUCCEEDED
    assert sorted((sensor, body["values"]) for _, sensor, body in server.posts) == [
        ("power", [1.0, -2.5, 1.0, 1.0]),
        ("state of charge", [50.0] * 4),
    ]


def test_a_device_that_fails_is_named_and_stops_no_other(
    home: Home, server: LittleServer, push: Push, people: People
) -> None:
    server.refuse = {"battery"}
    job = push()
    assert job.status == Job.Status.FAILED
    assert job.error == (
        "1 of 3 sites and devices could not be pushed. "
        "Home: battery: answered 422: Required unit for this sensor is MW."
    )
    assert {asset for asset, _ in named(server)} == {"Home", "load"}
    link = FlexMeasuresLink.objects.get(asset__name="battery")
    assert (link.error, link.pushed_at) == ("answered 422: Required unit for this sensor is MW.", None)
    state = FlexMeasuresServer.objects.get()
    assert (state.is_failing, state.error) == (True, job.error)
    push()
    assert AuditEvent.objects.filter(action="flexmeasuresserver.fail").count() == 1
    overview = people.client("alice").get("/o/a/").content.decode()
    assert "The last push to FlexMeasures failed" in overview
    assert "answered 422" in people.client("bob").get("/o/a/flexmeasures/").content.decode()
    server.refuse = set()
    assert push().status == Job.Status.SUCCEEDED
    assert not FlexMeasuresServer.objects.get().is_failing
    assert "The last push" not in people.client("alice").get("/o/a/").content.decode()


def test_what_was_planned_or_forecast_since_is_news(home: Home, push: Push, people: People) -> None:
    def news() -> int:
        return with_news(people.a, tasks.timezone.now()).count()

    assert news() == 1
    push()
    assert news() == 0
    replanned(home[1], [1.0, -2.5, 1.0, 1.0])
    assert news() == 1
    push()
    receive_forecast(organization=people.a, delivery=delivery(home[0], start=START))
    assert news() == 1


def test_the_clock_asks_for_those_that_are_switched_on_and_have_news(home: Home, push: Push, people: People) -> None:
    def asked() -> int:
        with organization_scope(people.a):
            return Job.objects.filter(kind="flexmeasures_push", idempotency_key__startswith="clock").count()

    switch(organization=people.a, enabled=False)
    tasks.push_to_flexmeasures()
    assert asked() == 0
    switch(organization=people.a, enabled=True)
    tasks.push_to_flexmeasures()
    tasks.push_to_flexmeasures()
    assert asked() == 1


def test_a_new_plan_asks_for_a_push_where_that_is_on_and_for_one_query_where_it_is_not(
    home: Home, server: LittleServer, people: People
) -> None:
    tasks.push_after_planning(None, {"run": home[1].pk})  # type: ignore[arg-type]
    (job,) = Job.objects.all()
    assert job.input == {"site": home[0].pk, "news_only": False}
    switch(organization=people.a, enabled=False)
    with CaptureQueriesContext(connection) as made:
        assert tasks.push_after_planning(None, {"run": home[1].pk}) == {}  # type: ignore[arg-type]
    assert len(made) == 1


def test_many_sites_are_pushed_over_several_turns(
    home: Home, server: LittleServer, push: Push, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned_site(people.a, slug="second", name="Second")
    monkeypatch.setattr(tasks, "SECONDS_PER_TURN", -1.0)
    job = push()
    assert job.status == Job.Status.QUEUED
    assert "Second" not in {asset for asset, _ in named(server)}
    before = len(server.posts)
    execute(job.pk, worker="tests", beat_every=0)
    job.refresh_from_db()
    assert (job.status, job.result) == (Job.Status.SUCCEEDED, {"sites": 2})
    assert {asset for asset, _, _ in server.posts[before:]} >= {"Second"}
    assert all(asset != "Home" for asset, _, _ in server.posts[before:])


def test_what_is_known_of_a_site_takes_as_many_queries_for_any_number_of_devices(people: People, home: Home) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            reflected(home[0], mapping.window(START))
        return len(made)

    assert queries() == 6
    for number in range(2):
        receive_forecast(organization=people.a, delivery=delivery(home[0], start=START, source=f"source {number}"))
    assert queries() == 7


def test_the_command_counts_and_asks(home: Home, server: LittleServer, push: Push) -> None:
    out = StringIO()
    call_command("flexmeasures_push", "--organization", "a", "--site", "home", "--dry-run", stdout=out)
    assert "home: battery.power: 4 values\n" in out.getvalue()
    assert out.getvalue().endswith("20 values would be posted to https://fm.example.com.\n")
    assert (server.assets, Job.objects.count()) == ({}, 0)
    push()
    out = StringIO()
    call_command("flexmeasures_push", "--organization", "a", "--dry-run", stdout=out)
    assert out.getvalue() == "0 values would be posted to https://fm.example.com.\n"
    call_command("flexmeasures_push", "--organization", "a", "--key", "nightly", stdout=out)
    assert "Push to FlexMeasures" in out.getvalue()
    with pytest.raises(CommandError, match="there is no site 'other'"):
        call_command("flexmeasures_push", "--organization", "a", "--site", "other")
    with pytest.raises(CommandError, match="has no FlexMeasures server"):
        call_command("flexmeasures_push", "--organization", "b")
