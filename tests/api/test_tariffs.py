"""Tariffs, which site has which one, and what they come to on a day, through the API."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from assets.api.tariffs import TariffViewSet
from assets.models import SiteTariff, Tariff
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import PriceSeriesFactory, PriceValuesFactory, SiteFactory, SiteTariffFactory, TariffFactory

SAMPLE = dict(TariffViewSet.sample)
SPRING, AUTUMN, PLAIN = "2026-03-29", "2026-10-25", "2026-11-22"


def post(client: APIClient, path: str, body: Any, key: str = "k") -> Any:
    return client.post(f"/api/v1/{path}/", body, format="json", headers={"Idempotency-Key": key})


def test_a_tariff_from_its_making_to_its_end(people: People, of_a: APIClient) -> None:
    made = post(of_a, "tariffs", SAMPLE)
    assert made.status_code == 201, made.json()
    assert made.json() == {"id": made.json()["id"], **SAMPLE}
    path = f"/api/v1/tariffs/{made.json()['id']}/"
    read = of_a.get(path)
    assert (read.json(), read["ETag"]) == (made.json(), made["ETag"])
    flat = {"form": "flat", "energy_price_per_kwh": 0.3, "periods": []}
    changed = of_a.patch(path, flat, format="json", headers={"If-Match": made["ETag"]})
    assert changed.json() == {**made.json(), **flat}
    assert of_a.patch(path, flat, format="json", headers={"If-Match": made["ETag"]}).status_code == 412
    assert of_a.delete(path).status_code == 204
    assert of_a.get(path).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"periods": SAMPLE["periods"][:1]}, "periods"),
        ({"periods": [{**SAMPLE["periods"][0], "weekdays": "7"}]}, "periods[0].weekdays"),
        ({"form": "flat"}, "periods"),
        ({"form": "dynamic", "periods": []}, "form"),
        ({"commodity": "steam"}, "commodity"),
        ({"vat_percent": 101}, "vat_percent"),
        ({"vat_percent": "much"}, "vat_percent"),
        ({"valid_to": "2025-01-01"}, "valid_to"),
        ({"currency": "euro"}, "currency"),
    ],
)
def test_wrong_tariffs_are_refused_by_field(
    people: People, of_a: APIClient, change: dict[str, Any], field: str
) -> None:
    answer = post(of_a, "tariffs", {**SAMPLE, **change})
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}, answer.json()
    with organization_scope(people.a):
        assert not Tariff.objects.exists()


def test_a_site_gets_a_tariff_switches_and_gives_it_back(people: People, of_a: APIClient) -> None:
    site = SiteFactory(organization=people.a)
    first, second = (TariffFactory(organization=people.a) for _ in range(2))
    body = {"site": site.pk, "tariff": first.pk, "valid_from": "2026-01-01"}
    made = post(of_a, "site-tariffs", body, "1").json()
    assert made == {"id": made["id"], **body, "valid_to": None}
    clash = post(of_a, "site-tariffs", {**body, "tariff": second.pk, "valid_from": "2026-06-01"}, "2")
    assert (clash.status_code, clash.json()["errors"][0]["field"]) == (400, "valid_from")
    switched = post(of_a, "site-tariffs/switch", {**body, "tariff": second.pk, "valid_from": "2026-06-01"}, "3")
    assert switched.status_code == 201
    rows = of_a.get(f"/api/v1/site-tariffs/?site={site.pk}&ordering=valid_from").json()["results"]
    assert [(row["tariff"], row["valid_to"]) for row in rows] == [(first.pk, "2026-05-31"), (second.pk, None)]
    blocked = of_a.delete(f"/api/v1/tariffs/{second.pk}/")
    assert (blocked.status_code, "is still used by" in blocked.json()["detail"]) == (400, True)
    path = f"/api/v1/site-tariffs/{switched.json()['id']}/"
    assert of_a.patch(path, {"valid_to": "2026-07-01"}, format="json").status_code == 405
    assert of_a.delete(path).status_code == 204
    assert of_a.delete(f"/api/v1/tariffs/{second.pk}/").status_code == 204


@pytest.mark.parametrize("path", ["site-tariffs", "site-tariffs/switch"])
def test_no_site_gets_a_foreign_tariff(people: People, of_a: APIClient, path: str) -> None:
    site, tariff = SiteFactory(organization=people.a), TariffFactory(organization=people.a)
    others = {"site": SiteFactory(organization=people.b).pk, "tariff": TariffFactory(organization=people.b).pk}
    own = {"site": site.pk, "tariff": tariff.pk, "valid_from": "2026-01-01"}
    for name, pk in others.items():
        answer = post(of_a, path, {**own, name: pk})
        assert answer.json()["errors"] == [
            {"field": name, "message": f"{name} is {pk}; allowed: the id of a {name} of A."}
        ]
        assert of_a.get(f"/api/v1/site-tariffs/?{name}={pk}").status_code == 400
    with organization_scope(people.a):
        assert not SiteTariff.objects.exists()
    foreign = PriceSeriesFactory(organization=people.b)
    dynamic = {**SAMPLE, "form": "dynamic", "periods": [], "price_series": foreign.pk}
    assert post(of_a, "tariffs", dynamic).json()["errors"][0]["field"] == "price_series"
    assert of_a.get(f"/api/v1/tariffs/{others['tariff']}/prices/?day={PLAIN}").status_code == 404
    assert of_a.get(f"/api/v1/tariffs/{tariff.pk}/prices/?day={PLAIN}&site={others['site']}").status_code == 400
    assert of_a.get(f"/api/v1/sites/{others['site']}/prices/?day={PLAIN}").status_code == 404


@pytest.mark.parametrize(("day", "quarters"), [(SPRING, 92), (PLAIN, 96), (AUTUMN, 100)])
def test_a_day_has_the_steps_that_it_has(people: People, of_a: APIClient, day: str, quarters: int) -> None:
    tariff = post(of_a, "tariffs", SAMPLE).json()["id"]
    site = SiteFactory(organization=people.a)
    post(of_a, "site-tariffs", {"site": site.pk, "tariff": tariff, "valid_from": "2026-01-01"}, "s")
    answer = of_a.get(f"/api/v1/tariffs/{tariff}/prices/?day={day}").json()
    assert (len(answer["values"]), answer["step"], answer["currency"]) == (quarters, 900, "EUR")
    fees = 0.095 + 0.0205 + 0.0282
    night, daytime = 1.19 * (0.09 + fees), 1.19 * (0.14 + fees)
    assert answer["values"][0] == pytest.approx(night)
    assert answer["values"].count(answer["values"][-20]) == 64
    assert answer["values"][-20] == pytest.approx(daytime)
    assert sum(part[0] for part in answer["parts"].values()) == pytest.approx(night)
    paid = of_a.get(f"/api/v1/sites/{site.pk}/prices/?day={day}").json()
    assert paid["prices"]["import"] == {name: answer[name] for name in ("start", "step", "values")}
    lines = of_a.get(f"/api/v1/sites/{site.pk}/prices/?day={day}&format=csv").content.decode().splitlines()
    assert (lines[0], len(lines)) == ("time,import", quarters + 1)
    hours = of_a.get(f"/api/v1/tariffs/{tariff}/prices/?day={day}&step=3600&site={site.pk}").json()
    assert len(hours["values"]) == quarters / 4


def test_a_dynamic_price_is_as_it_was_known(people: People, of_a: APIClient) -> None:
    series = PriceSeriesFactory(organization=people.a, name="Spot")
    values = PriceValuesFactory(series=series)
    dynamic = {**SAMPLE, "form": "dynamic", "periods": [], "price_series": series.pk, "energy_price_per_kwh": 0.01}
    path = f"/api/v1/tariffs/{post(of_a, 'tariffs', dynamic).json()['id']}/prices/?day={PLAIN}"
    answer = of_a.get(path)
    assert answer.json()["parts"]["energy"] == pytest.approx([0.1] * 96)
    table = of_a.get(f"{path}&format=csv").content.decode().splitlines()
    assert table[0] == "time,price,energy,margin,grid_fee,taxes,levies,vat"
    before = of_a.get(f"{path}&known_at=2020-01-01T00:00:00Z")
    assert (before.status_code, before.json()["errors"][0]["field"]) == (400, "Spot")
    assert values.values.tolist() == [0.1] * 24


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "day"),
        ("day=tomorrow", "day"),
        ("day=9999-12-31", "day"),
        (f"day={PLAIN}&step=7", "step"),
        (f"day={PLAIN}&zone=UTC", "zone"),
        (f"day={PLAIN}&known_at=2026-01-01", "known_at"),
    ],
)
@pytest.mark.parametrize("resource", ["tariffs", "sites"])
def test_days_that_are_none_are_refused(people: People, of_a: APIClient, resource: str, query: str, field: str) -> None:
    given = SiteTariffFactory(site=SiteFactory(organization=people.a))
    pk = given.site_id if resource == "sites" else given.tariff_id
    answer = of_a.get(f"/api/v1/{resource}/{pk}/prices/?{query}")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("name", "queries"), [("tariffs", 4), ("site-tariffs", 3), ("price-series", 3)])
def test_lists_cost_the_same_for_one_and_three_rows(
    people: People, of_a: APIClient, name: str, queries: int, count: int
) -> None:
    for number in range(count):
        PriceSeriesFactory(organization=people.a)
        made = post(of_a, "tariffs", {**SAMPLE, "name": f"Tariff {number}"}, f"t{number}").json()
        site = SiteFactory(organization=people.a)
        body = {"site": site.pk, "tariff": made["id"], "valid_from": "2026-01-01"}
        assert post(of_a, "site-tariffs", body, f"s{number}").status_code == 201
    with CaptureQueriesContext(connection) as made:
        answer = of_a.get(f"/api/v1/{name}/")
    assert len(answer.json()["results"]) == count
    assert len(made) == queries, [query["sql"][:90] for query in made]
