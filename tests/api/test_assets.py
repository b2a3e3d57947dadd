"""Devices of every kind through the API."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from assets.api.devices import SAMPLES, sample_of
from assets.models import KINDS, Asset
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import BatteryFactory, PhotovoltaicFactory, SiteFactory


def sample(kind: str, site: int) -> dict[str, Any]:
    return {**sample_of(KINDS[kind]), "site": site}


def make(client: APIClient, kind: str, body: dict[str, Any]) -> Any:
    return client.post(f"/api/v1/assets/{kind}/", body, format="json")


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_of_each_kind_from_its_making_to_its_end(people: People, of_a: APIClient, kind: str) -> None:
    site = SiteFactory(organization=people.a)
    made = make(of_a, kind, sample(kind, site.pk))
    assert made.status_code == 201, made.json()
    assert made.json() == {"id": made.json()["id"], **sample(kind, site.pk)}
    path = f"/api/v1/assets/{kind}/{made.json()['id']}/"
    read = of_a.get(path)
    assert (read.json(), read["ETag"]) == (made.json(), made["ETag"])
    changed = of_a.patch(path, {"name": "other"}, format="json", headers={"If-Match": made["ETag"]})
    assert changed.json() == {**made.json(), "name": "other"}
    assert of_a.patch(path, {"name": "late"}, format="json", headers={"If-Match": made["ETag"]}).status_code == 412
    (listed,) = of_a.get(f"/api/v1/assets/?site={site.pk}").json()["results"]
    assert listed == {
        "id": made.json()["id"],
        "kind": kind,
        "site": site.pk,
        "name": "other",
        "url": f"http://testserver{path}",
    }
    assert of_a.delete(path).status_code == 204
    assert of_a.get("/api/v1/assets/").json()["results"] == []
    with organization_scope(people.a):
        actions = list(AuditEvent.objects.filter(object_type=f"assets.{KINDS[kind].__name__.lower()}").order_by("pk"))
    name = KINDS[kind].__name__.lower()
    assert [event.action for event in actions] == [f"{name}.create", f"{name}.change", f"{name}.delete"]


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("battery", {"capacity_kwh": 0}, "capacity_kwh"),
        ("battery", {"min_soc_percent": 90, "max_soc_percent": 10}, "min_soc_percent"),
        ("battery", {"colour": "red"}, "colour"),
        ("battery", {"site": "home"}, "site"),
        ("battery", {"name": ""}, "name"),
        ("generator", {"fuel_curve": [[0, 1]]}, "fuel_curve"),
        ("shiftable_load", {"profile_kw": []}, "profile_kw"),
        ("electric_vehicle", {"stays": [{**SAMPLES["stays"][0], "arrival": "late"}]}, "stays[0].arrival"),
        ("electric_vehicle", {"stays": [{**SAMPLES["stays"][0], "arrival_soc_percent": 101}]}, "stays[0].arrival_soc"),
        ("electric_vehicle", {"stays": [{**SAMPLES["stays"][0], "vehicle": 1}]}, "stays[0].vehicle"),
        ("electric_vehicle", {"stays": "always"}, "stays"),
    ],
)
def test_wrong_devices_are_refused_by_field(
    people: People, of_a: APIClient, kind: str, body: dict[str, Any], field: str
) -> None:
    answer = make(of_a, kind, {**sample(kind, SiteFactory(organization=people.a).pk), **body})
    assert answer.status_code == 400
    assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.json()
    with organization_scope(people.a):
        assert not Asset.objects.exists()


def test_stays_are_replaced_as_a_whole(people: People, of_a: APIClient) -> None:
    made = make(of_a, "electric_vehicle", sample("electric_vehicle", SiteFactory(organization=people.a).pk)).json()
    path = f"/api/v1/assets/electric_vehicle/{made['id']}/"
    noon = {**SAMPLES["stays"][0], "weekday": 5, "arrival": "12:00:00"}
    assert of_a.patch(path, {"stays": [noon]}, format="json").json()["stays"] == [noon]
    assert of_a.patch(path, {"name": "car"}, format="json").json()["stays"] == [noon]


def test_a_device_is_no_device_of_another_kind(people: People, of_a: APIClient) -> None:
    battery = BatteryFactory(site=SiteFactory(organization=people.a))
    assert of_a.get(f"/api/v1/assets/pv/{battery.pk}/").status_code == 404


def test_sites_of_others_take_no_device_and_give_none(people: People, of_a: APIClient, of_b: APIClient) -> None:
    own, foreign = SiteFactory(organization=people.a), SiteFactory(organization=people.b)
    battery = BatteryFactory(site=own)
    message = f"site is {foreign.pk}; allowed: the id of a site of A."
    refused = [
        make(of_a, "battery", sample("battery", foreign.pk)),
        of_a.patch(f"/api/v1/assets/battery/{battery.pk}/", {"site": foreign.pk}, format="json"),
        of_a.get(f"/api/v1/assets/?site={foreign.pk}"),
        of_a.get(f"/api/v1/assets/battery/?site={foreign.pk}"),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["errors"]) == (400, [{"field": "site", "message": message}])
    assert of_a.get(f"/api/v1/assets/?portfolio={foreign.portfolio_id}").status_code == 400
    path = f"/api/v1/assets/battery/{battery.pk}/"
    assert [of_b.get(path).status_code, of_b.delete(path).status_code] == [404, 404]
    assert of_b.get("/api/v1/assets/").json()["results"] == []


def test_the_list_is_filtered_by_kind_site_and_portfolio(people: People, of_a: APIClient) -> None:
    first, second = (SiteFactory(organization=people.a) for _ in range(2))
    battery, pv = BatteryFactory(site=first), PhotovoltaicFactory(site=second)

    def ids(query: str) -> list[int]:
        return [row["id"] for row in of_a.get(f"/api/v1/assets/?{query}").json()["results"]]

    assert ids("") == [pv.pk, battery.pk]
    assert ids("ordering=id") == [battery.pk, pv.pk]
    assert ids("kind=pv") == [pv.pk]
    assert ids(f"site={first.pk}") == [battery.pk]
    assert ids(f"portfolio={second.portfolio_id}") == [pv.pk]
    assert ids(f"portfolio={second.portfolio_id}&kind=battery") == []


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("path", "queries"), [("assets", 3), ("assets/battery", 3), ("assets/electric_vehicle", 4)])
def test_lists_of_devices_cost_the_same_for_one_and_three(
    people: People, of_a: APIClient, path: str, queries: int, count: int
) -> None:
    kind = path.rpartition("/")[2].replace("assets", "battery")
    for _ in range(count):
        assert make(of_a, kind, sample(kind, SiteFactory(organization=people.a).pk)).status_code == 201
    with CaptureQueriesContext(connection) as made:
        answer = of_a.get(f"/api/v1/{path}/")
    assert len(answer.json()["results"]) == count
    assert len(made) == queries, [query["sql"][:90] for query in made]
