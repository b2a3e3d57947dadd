from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from assets.models import Asset, Site
from flexplatform.accounts import permissions
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.models import ForecastRun, ForecastValues
from forecasting.services import receive_forecast
from telemetry.models import Channel
from tests.api.conftest import caller, of_a, of_b
from tests.conftest import People
from tests.forecasting.makers import delivery, house

__all__ = ["of_a", "of_b"]

URL = "/api/v1/forecasts/"
ASKED = {
    "site": "home",
    "asset": "load",
    "quantity": "demand_kw",
    "issued_at": "2026-11-20T09:00:00Z",
    "source": "meteo",
    "start": "2026-11-20T23:00:00Z",
    "step": 900,
    "values": [1, 2, 3, 4],
}
CSV = (
    "time,home/load.demand_kw,home/load.demand_kw.p10,home/site.ambient_temperature_c\n"
    "2026-11-20T23:00:00Z,1,0.5,7\n2026-11-20T23:15:00Z,2,1.5,6\n"
)
BATCH_QUERIES = 25


@pytest.fixture
def site(people: People) -> Site:
    return house(people.a, slug="home")


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


def post(client: APIClient, body: Any, path: str = "", key: str = "k", **extra: Any) -> Any:
    form = {"format": "json"} if not isinstance(body, str) else {"content_type": "text/csv"}
    return client.post(f"{URL}{path}", body, headers={"Idempotency-Key": key}, **form, **extra)


def test_a_forecast_is_sent_read_and_read_as_csv(of_a: APIClient, site: Site) -> None:
    sent = post(of_a, {**ASKED, "quantiles": {"0.1": [0.5, 1, 2, 3], "0.9": [2, 3, 4, 5]}, "scores": {"mae": 0.2}})
    assert sent.status_code == 201, sent.json()
    run = sent.json()
    assert (run["site"], run["quantity"], run["count"]) == (site.pk, "demand_kw", 4)
    read = of_a.get(f"{URL}{run['id']}/").json()
    assert {name: read[name] for name in ("start", "step", "values")} == {
        name: ASKED[name] for name in ("start", "step", "values")
    }
    assert read["quantiles"] == {"0.1": [0.5, 1, 2, 3], "0.9": [2, 3, 4, 5]}
    assert read["scores"] == {"mae": 0.2}
    text = of_a.get(f"{URL}{run['id']}/", headers={"Accept": "text/csv"}).content.decode()
    assert text.splitlines()[:2] == ["time,mean,p10,p90", "2026-11-20T23:00:00Z,1.0,0.5,2.0"]


def test_a_channel_answers_as_known_at_a_time(of_a: APIClient, site: Site) -> None:
    first = post(of_a, ASKED).json()
    later = {**ASKED, "issued_at": "2026-11-20T12:00:00Z", "start": "2026-11-20T23:30:00Z", "values": [9]}
    second = post(of_a, later, key="k2").json()
    url = f"/api/v1/channels/{first['channel']}/forecast/?start=2026-11-20T23:00:00Z&end=2026-11-21T00:15:00Z"
    now = of_a.get(url).json()
    assert (now["values"], now["forecasts"]) == ([1, 2, 9, 4, None], [second["id"], first["id"]])
    then = of_a.get(f"{url}&known_at=2026-11-20T11:59:59Z").json()
    assert (then["values"], then["forecasts"]) == ([1, 2, 3, 4, None], [first["id"]])
    before = of_a.get(f"{url}&known_at=2026-11-20T08:59:59Z").json()
    assert (before["values"], before["forecasts"]) == ([None] * 5, [])
    text = of_a.get(url, headers={"Accept": "text/csv"}).content.decode()
    assert text.splitlines()[:2] == ["time,mean", "2026-11-20T23:00:00Z,1.0"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=2026-11-20T23:00:00Z", "end"),
        ("start=2026-11-20T23:00:00Z&end=2026-11-20T23:10:00Z", "end"),
        ("start=2026-11-20T23:00:00Z&end=2026-11-20T22:00:00Z", "end"),
        ("start=2000-01-01T00:00:00Z&end=2026-11-20T23:00:00Z", "end"),
        ("start=2026-11-20T23:00:00.5Z&end=2026-11-20T23:15:00.5Z", "start"),
        ("start=2026-11-20T23:00:00Z&end=2026-11-20T23:15:00Z&known_at=yesterday", "known_at"),
        ("start=2026-11-20T23:00:00Z&end=2026-11-20T23:15:00Z&know_at=2026-11-20T23:15:00Z", "know_at"),
    ],
)
def test_a_wrong_span_is_refused_by_name(of_a: APIClient, site: Site, query: str, field: str) -> None:
    channel = post(of_a, ASKED).json()["channel"]
    answer = of_a.get(f"/api/v1/channels/{channel}/forecast/?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_lists_are_filtered(of_a: APIClient, site: Site) -> None:
    run = post(of_a, ASKED).json()
    post(of_a, {**ASKED, "asset": "pv", "quantity": "power_kw", "values": [0], "source": "other"}, key="k2")

    def ids(query: str) -> list[int]:
        answer = of_a.get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.json()
        return [row["id"] for row in answer.json()["results"]]

    assert len(ids("")) == 2
    for query in (f"channel={run['channel']}", "quantity=demand_kw", "source=meteo", f"asset={run['asset']}"):
        assert ids(query) == [run["id"]], query
    assert ids("known_at=2026-11-20T08:00:00Z") == []
    assert ids("start_before=2026-11-20T23:00:00Z") == ids("end_after=2026-11-21T00:00:00Z") == []
    labels = [row["quantity"] for row in of_a.get(f"/api/v1/channels/?site={site.pk}").json()["results"]]
    assert sorted(labels) == ["demand_kw", "power_kw"]
    assert of_a.get(f"/api/v1/channels/?asset={run['asset']}").json()["results"][0]["id"] == run["channel"]


def test_the_same_delivery_twice_is_one_row_with_or_without_a_new_key(
    of_a: APIClient, site: Site, people: People
) -> None:
    ids = {post(of_a, ASKED, key=key).json()["id"] for key in ("k", "k", "k2")}
    with organization_scope(people.a):
        assert set(ForecastRun.objects.values_list("id", flat=True)) == ids
    refused = post(of_a, {**ASKED, "values": [9, 9, 9, 9]}, key="k3")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "issued_at")


def test_a_batch_is_all_or_nothing_with_errors_by_index(of_a: APIClient, site: Site, people: People) -> None:
    good, bad = ASKED, {**ASKED, "asset": "pv", "quantity": "available_power_kw"}
    answer = post(of_a, {"forecasts": [good, bad, {**good, "site": "nowhere"}]}, "deliveries/")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["forecasts[2].site"]
    answer = post(of_a, {"forecasts": [good, bad]}, "deliveries/")
    assert answer.json()["errors"] == [
        {
            "field": "forecasts[1].values",
            "message": "values[0] is 1; allowed: at most 0, as production is below zero.",
        }
    ]
    with organization_scope(people.a):
        assert (ForecastRun.objects.count(), Channel.objects.count()) == (0, 0)
    stored = post(of_a, {"forecasts": [good, {**bad, "sign": "production"}]}, "deliveries/")
    assert stored.status_code == 201, stored.json()
    assert [row["quantity"] for row in stored.json()["forecasts"]] == ["demand_kw", "available_power_kw"]


def test_a_batch_comes_as_csv_too(of_a: APIClient, site: Site, people: People) -> None:
    stored = post(of_a, CSV, "deliveries/?issued_at=2026-11-20T09:00:00Z&source=meteo")
    assert stored.status_code == 201, stored.json()
    assert [row["asset"] is None for row in stored.json()["forecasts"]] == [False, True]
    with organization_scope(people.a):
        values = ForecastValues.objects.get(run=stored.json()["forecasts"][0]["id"])
        np.testing.assert_array_equal(values.mean, [1, 2])
        np.testing.assert_array_equal(values.by_level[0.1], [0.5, 1.5])


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("load.demand_kw", "allowed: <site>/<device>.<quantity>"),
        ("home/load", "allowed: <site>/<device>.<quantity>"),
        ("home/load.demand_kw.p10", "has quantiles only; needed too: 'home/load.demand_kw'"),
    ],
)
def test_a_heading_that_names_no_series_is_refused(of_a: APIClient, site: Site, heading: str, message: str) -> None:
    body = f"time,{heading}\n2026-11-20T23:00:00Z,1\n2026-11-20T23:15:00Z,2\n"
    answer = post(of_a, body, "deliveries/?issued_at=2026-11-20T09:00:00Z&source=meteo")
    assert answer.status_code == 400
    assert message in answer.json()["detail"]


def test_parameters_of_csv_do_not_apply_to_json(of_a: APIClient, site: Site) -> None:
    answer = post(of_a, {"forecasts": [ASKED]}, "deliveries/?source=meteo")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "source")


@pytest.mark.usefixtures("in_a")
def test_one_organization_reaches_nothing_of_another(of_b: APIClient, site: Site, people: People) -> None:
    run = receive_forecast(organization=people.a, delivery=delivery(site))
    asset = Asset.objects.get(site=site, name="load").pk
    assert of_b.get(f"{URL}{run.pk}/").status_code == 404
    assert of_b.get(f"/api/v1/channels/{run.channel_id}/").status_code == 404
    span = "start=2026-11-20T23:00:00Z&end=2026-11-21T00:00:00Z"
    assert of_b.get(f"/api/v1/channels/{run.channel_id}/forecast/?{span}").status_code == 404
    assert of_b.get(URL).json()["results"] == of_b.get("/api/v1/channels/").json()["results"] == []
    for query in (f"channel={run.channel_id}", f"site={site.pk}", f"asset={asset}"):
        assert of_b.get(f"{URL}?{query}").status_code == 400, query
    common = {name: ASKED[name] for name in ("issued_at", "source", "start", "step", "values")}
    for own in (
        {"channel": run.channel_id},
        {"asset": asset, "quantity": "demand_kw"},
        {"site": site.pk, "asset": "load", "quantity": "demand_kw"},
        {"site": "home", "quantity": "ambient_temperature_c"},
    ):
        refused = post(of_b, {"forecasts": [{**common, **own}]}, "deliveries/", key=str(own))
        assert refused.status_code == 400, own
        assert refused.json()["errors"][0]["field"] == f"forecasts[0].{next(iter(own))}"
    assert ForecastRun.objects.count() == 1


def test_reading_does_not_allow_sending(people: People, site: Site) -> None:
    reader = caller(people.a, people.alice, [permissions.VIEW_FORECASTS])
    assert reader.get(URL).status_code == 200
    assert post(reader, ASKED).status_code == 403
    assert post(reader, {"forecasts": [ASKED]}, "deliveries/").status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_needs_no_more_queries_for_more(
    of_a: APIClient, people: People, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(count):
        house(people.a, slug=f"house-{number}")
    forecasts = [{**ASKED, "site": f"house-{number}"} for number in range(count)]
    with django_assert_num_queries(BATCH_QUERIES):
        assert post(of_a, {"forecasts": forecasts}, "deliveries/").status_code == 201


def test_a_day_of_a_thousand_channels_is_one_request(of_a: APIClient, people: People) -> None:
    for number in range(250):
        house(people.a, slug=f"house-{number}")
    kinds = (("load", "demand_kw"), ("load", "power_kw"), ("pv", "yield_kw_per_kw"), ("pv", "irradiance_w_per_m2"))
    day = {**ASKED, "values": np.linspace(0, 1, 96).tolist()}
    forecasts = [
        {**day, "site": f"house-{number}", "asset": asset, "quantity": quantity}
        for number in range(250)
        for asset, quantity in kinds
    ]
    stored = post(of_a, {"forecasts": forecasts}, "deliveries/")
    assert stored.status_code == 201
    assert len({row["id"] for row in stored.json()["forecasts"]}) == 1000
    assert stored.json()["forecasts"][999]["end"] == "2026-11-21T23:00:00Z"
