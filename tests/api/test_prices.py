"""Price series and their deliveries through the API."""

from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from assets.models import PriceSeries, PriceValues
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import PriceSeriesFactory

DAY = {"start": "2026-11-21T23:00:00Z", "step": 3600}
WINDOW = "start=2026-11-21T23:00:00Z&end=2026-11-22T01:00:00Z"


def post(client: APIClient, path: str, body: Any, key: str = "k", **headers: str) -> Any:
    return client.post(f"/api/v1/price-series/{path}", body, format="json", headers={"Idempotency-Key": key, **headers})


def send_csv(client: APIClient, body: str, query: str = "") -> Any:
    return client.post(
        f"/api/v1/price-series/deliveries/{query}",
        body,
        content_type="text/csv",
        headers={"Idempotency-Key": "k"},
    )


def stored(people: People) -> int:
    with organization_scope(people.a):
        return PriceValues.objects.count()


def test_a_series_from_its_making_to_its_end(people: People, of_a: APIClient) -> None:
    made = post(of_a, "", {"name": "Day-ahead", "currency": "EUR"}).json()
    path = f"/api/v1/price-series/{made['id']}/"
    received = post(of_a, f"{made['id']}/values/", {**DAY, "values": [100, 80], "per": "MWh", "source": "EPEX"}, "p")
    assert received.status_code == 201, received.json()
    assert {name: received.json()[name] for name in ("start", "end", "step", "source", "series")} == {
        "start": "2026-11-21T23:00:00Z",
        "end": "2026-11-22T01:00:00Z",
        "step": 3600,
        "source": "EPEX",
        "series": made["id"],
    }
    assert of_a.get(f"{path}values/?{WINDOW}").json() == {**DAY, "values": [0.1, 0.08]}
    refused = of_a.patch(path, {"currency": "CHF"}, format="json")
    assert refused.json()["errors"][0]["message"] == "currency is CHF; allowed: EUR, as it has values."
    assert of_a.patch(path, {"name": "Spot"}, format="json").json()["name"] == "Spot"
    assert of_a.delete(path).status_code == 204
    assert stored(people) == 0


def test_values_are_those_that_were_known(people: People, of_a: APIClient) -> None:
    series = PriceSeriesFactory(organization=people.a, name="Spot")
    first = post(of_a, f"{series.pk}/values/", {**DAY, "values": [0.1, 0.2]}, "1").json()
    quarter = {"start": "2026-11-22T00:00:00Z", "step": 1800, "values": [0.3]}
    second = post(of_a, f"{series.pk}/values/", quarter, "2").json()
    window = f"/api/v1/price-series/{series.pk}/values/?start=2026-11-21T23:00:00Z&end=2026-11-22T02:00:00Z"
    now = of_a.get(window).json()
    assert now == {"start": DAY["start"], "step": 1800, "values": [0.1, 0.1, 0.3, 0.2, None, None]}
    then = of_a.get(f"{window}&known_at={first['received_at']}").json()
    assert then == {"start": DAY["start"], "step": 3600, "values": [0.1, 0.2, None]}
    assert second["received_at"] > first["received_at"]
    table = of_a.get(f"{window}&known_at={first['received_at']}&format=csv")
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    assert table.content.decode() == (
        "time,Spot\n2026-11-21T23:00:00Z,0.1\n2026-11-22T00:00:00Z,0.2\n2026-11-22T01:00:00Z,\n"
    )
    assert of_a.get(window, headers={"Accept": "text/csv"}).content.decode().startswith("time,Spot\n")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "start"),
        ("start=2026-11-21T23:00:00Z", "end"),
        ("start=today&end=2026-11-22T01:00:00Z", "start"),
        ("start=2026-11-22T00:00:00Z&end=2026-11-21T00:00:00Z", "end"),
        ("start=2024-11-22T00:00:00Z&end=2026-11-21T00:00:00Z", "end"),
        (f"{WINDOW}&known_at=then", "known_at"),
        (f"{WINDOW}&unit=MWh", "unit"),
    ],
)
def test_windows_that_make_no_sense_are_refused(people: People, of_a: APIClient, query: str, field: str) -> None:
    series = PriceSeriesFactory(organization=people.a)
    answer = of_a.get(f"/api/v1/price-series/{series.pk}/values/?{query}", headers={"Accept": "text/csv"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert field in {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"values": []}, "values"),
        ({"values": [0.1, "x"]}, "values"),
        ({"values": [0.1, True]}, "values"),
        ({"values": [0.1, 1e9]}, "values"),
        ({"values": [10**400]}, "values"),
        ({"step": 1000}, "step"),
        ({"start": "yesterday"}, "start"),
        ({"start": "9999-12-31T23:00:00Z", "values": [0.1, 0.1]}, "start"),
        ({"per": "GWh"}, "per"),
        ({"source": "\0"}, "source"),
        ({"series": 10**30}, "series"),
        ({"series": "nothing like this"}, "series"),
        ({"series": None}, "series"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_one_wrong_delivery_is_named_and_none_is_stored(
    people: People, of_a: APIClient, change: dict[str, Any], field: str
) -> None:
    series = [PriceSeriesFactory(organization=people.a) for _ in range(3)]
    deliveries: list[dict[str, Any]] = [{"series": each.pk, **DAY, "values": [0.1, 0.2]} for each in series]
    deliveries[1] |= change
    answer = post(of_a, "deliveries/", {"deliveries": deliveries})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [f"deliveries[1].{field}"]
    assert stored(people) == 0


def test_series_of_others_get_no_prices(people: People, of_a: APIClient) -> None:
    own, foreign = PriceSeriesFactory(organization=people.a), PriceSeriesFactory(organization=people.b, name="theirs")
    for wanted in (foreign.pk, "theirs"):
        body = {"deliveries": [{"series": each, **DAY, "values": [0.1]} for each in (own.pk, wanted)]}
        answer = post(of_a, "deliveries/", body)
        message = f"series is {wanted}; allowed: the id or the name of a price series of A."
        assert answer.json()["errors"] == [{"field": "deliveries[1].series", "message": message}]
    assert send_csv(of_a, "time,theirs\n2026-11-21T23:00:00Z,1\n2026-11-22T00:00:00Z,1\n").status_code == 400
    assert post(of_a, f"{foreign.pk}/values/", {**DAY, "values": [0.1]}).status_code == 404
    assert of_a.get(f"/api/v1/price-series/{foreign.pk}/values/?{WINDOW}").status_code == 404
    assert stored(people) == 0
    with organization_scope(people.b):
        assert not PriceValues.objects.exists()


@pytest.mark.parametrize("body", [None, [], {}, {"deliveries": []}, {"deliveries": "all"}, {"deliveries": ["x"]}])
def test_a_batch_is_a_list_of_deliveries(of_a: APIClient, body: Any) -> None:
    answer = post(of_a, "deliveries/", body)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_a_batch_has_an_end(people: People, of_a: APIClient) -> None:
    one = {"series": PriceSeriesFactory(organization=people.a).pk, **DAY, "values": [0.1]}
    message = post(of_a, "deliveries/", {"deliveries": [one] * 1001}).json()["errors"][0]["message"]
    assert message == "deliveries has 1001 entries; allowed: 1 to 1000."


def test_one_time_of_one_series_comes_once(people: People, of_a: APIClient) -> None:
    one = {"series": PriceSeriesFactory(organization=people.a, name="Spot").pk, **DAY, "values": [0.1, 0.2]}
    (error,) = post(of_a, "deliveries/", {"deliveries": [one, {**one, "series": "Spot"}]}).json()["errors"]
    assert error["field"] == "deliveries[1].start"
    assert stored(people) == 0


def test_what_is_known_is_not_stored_again(people: People, of_a: APIClient) -> None:
    series = [PriceSeriesFactory(organization=people.a) for _ in range(2)]
    body = {"deliveries": [{"series": each.pk, **DAY, "values": [0.1, 0.2]} for each in series]}
    first = post(of_a, "deliveries/", body, "1").json()
    body["deliveries"][1]["values"] = [0.1, 0.3]
    second = post(of_a, "deliveries/", body, "2").json()
    assert second["deliveries"][0] == first["deliveries"][0]
    assert second["deliveries"][1]["id"] > first["deliveries"][1]["id"]
    assert stored(people) == 3
    with organization_scope(people.a):
        assert AuditEvent.objects.filter(action="pricevalues.receive").count() == 3


def test_csv_brings_one_column_per_series(people: People, of_a: APIClient) -> None:
    for name in ("DE-LU", "AT, spot"):
        PriceSeriesFactory(organization=people.a, name=name)
    body = '\ufefftime,DE-LU,"AT, spot"\r\n2026-11-22T00:00:00+01:00,100,110\r\n2026-11-22T01:00:00+01:00,80,90\r\n'
    answer = send_csv(of_a, body, "?per=MWh&source=EPEX")
    assert answer.status_code == 201, answer.json()
    assert {each["source"] for each in answer.json()["deliveries"]} == {"EPEX"}
    with organization_scope(people.a):
        found = {row.series.name: row.values for row in PriceValues.objects.select_related("series")}
        rows = PriceSeries.objects.get(name="AT, spot")
    assert np.allclose(found["DE-LU"], [0.1, 0.08])
    table = of_a.get(f"/api/v1/price-series/{rows.pk}/values/?{WINDOW}&format=csv").content.decode()
    assert table == 'time,"AT, spot"\n2026-11-21T23:00:00Z,0.11\n2026-11-22T00:00:00Z,0.09\n'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("\n", "line 1"),
        ("start,A\n", "line 1"),
        ("time,A,A\n", "line 1"),
        ("time,\n", "line 1"),
        ("time,A\n", "time"),
        ("time,A\n2026-11-21T23:00:00Z,1\n", "time"),
        ("time,A\n2026-11-21T23:00:00Z\n", "line 2"),
        ("time,A\n2026-11-21T23:00:00Z,1\nnoon,1\n", "line 3, time"),
        ("time,A\n2026-11-21T23:00:00Z,1\n9999-12-31T23:00:00-05:00,1\n", "line 3, time"),
        ("time,A\n2026-11-21T23:00:00Z,1\n2026-11-21T23:00:00Z,1\n", "line 3, time"),
        ("time,A\n2026-11-21T23:00:00Z,1\n2026-11-21T23:15:00Z,1\n2026-11-22T00:00:00Z,1\n", "line 4, time"),
        ("time,A\n2026-11-21T23:00:00Z,1\n2026-11-22T00:00:00Z,much\n", "line 3, A"),
        ("time,A\n2026-11-21T23:00:00Z,1\n2026-11-22T00:00:00Z,\n", "line 3, A"),
        ("time,A\n2026-11-21T23:00:00Z,1\n2026-11-22T00:00:00Z,nan\n", "deliveries[0].values"),
        ('time,A\n"2026', "csv"),
    ],
)
def test_a_table_that_is_none_is_refused_by_line_and_column(
    people: People, of_a: APIClient, body: str, field: str
) -> None:
    PriceSeriesFactory(organization=people.a, name="A")
    answer = send_csv(of_a, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field, answer.json()
    assert stored(people) == 0


def test_a_batch_costs_no_query_per_series(people: People, of_a: APIClient) -> None:
    def queries(count: int) -> int:
        series = [PriceSeriesFactory(organization=people.a) for _ in range(count)]
        body = {"deliveries": [{"series": each.pk, **DAY, "values": [0.1, 0.2]} for each in series]}
        with CaptureQueriesContext(connection) as made:
            assert post(of_a, "deliveries/", body, str(count)).status_code == 201
        return len(made)

    of_a.get("/api/v1/token/")
    assert [queries(1), queries(3), queries(60)] == [17, 17, 17]
