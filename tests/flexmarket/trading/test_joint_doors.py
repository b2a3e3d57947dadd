"""Offers of portfolios on the pages and in the API."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from assets.models import Portfolio
from flexmarket.engine.market.states import OfferState
from flexmarket.models import MarketOffer, MarketProduct, Order
from flexmarket.trading.joint_offering import OFFER_PORTFOLIO
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from tests.api.conftest import of_a, of_b
from tests.conftest import People
from tests.factories import MarketProductFactory, PortfolioFactory
from tests.flexmarket.trading.joint import (
    Runs,
    day_of,
    do,
    largest,
    offers,
    ordered,
    parts_of,
    portfolio,
    product,
    requested,
    runs,
)
from tests.flexmarket.trading.sites import planned_battery_site

__all__ = ["of_a", "of_b", "offers", "portfolio", "product", "runs"]


@pytest.mark.one_database
def test_pages_show_the_whole_with_its_parts(people: People, offers: list[MarketOffer], runs: Runs) -> None:
    alice, offer = people.client("alice"), largest(offers)
    listed = alice.get("/o/a/market/", {"site": "dachau"})
    assert {row.pk for row in listed.context["offers"]} <= {each.pk for each in offers}
    page = alice.get(f"/o/a/market/{offer.pk}/")
    assert len(page.context["parts"]) == 2
    (chart,) = alice.get(f"/o/a/market/{offer.pk}/chart.json").json()["charts"]
    assert len(chart["series"][0]["values"]) == runs[0].count
    part = offer.parts.first()
    assert part is not None
    of_part = alice.get(f"/o/a/market/{part.pk}/")
    assert of_part.context["may_order"] is False
    assert f"FX-{offer.pk}" in of_part.content.decode()
    answer = alice.post(f"/o/a/market/{offer.pk}/order/", {"reference": "call", "power_kw": str(offer.power_kw)})
    order = Order.objects.get(part_of=None)
    assert answer["Location"] == f"/o/a/orders/{order.pk}/"
    assert alice.get(answer["Location"]).context["running"] is True
    for each in parts_of(order):
        do(each.job_id)
    assert [row.pk for row in alice.get("/o/a/orders/", {"text": "dachau"}).context["orders"]] == [order.pk]
    shown = alice.get(answer["Location"])
    assert [each.offer.site for each, _ in shown.context["part_rows"]] == [run.site for run in runs]
    baseline, wanted = (
        np.array([step[name] for step in shown.context["steps"]]) for name in ("baseline_kw", "wanted_kw")
    )
    np.testing.assert_allclose(wanted - baseline, order.change_kw, atol=1e-5)
    (chart,) = alice.get(f"{answer['Location']}charts.json").json()["charts"]
    before, called, after = (np.array(series["values"]) for series in chart["series"])
    first = round((offer.start - runs[0].start) / timedelta(minutes=15))
    np.testing.assert_allclose(after[first : first + offer.count], called[first : first + offer.count], atol=1e-4)
    assert not np.allclose(before, called)
    assert alice.get(f"/o/a/orders/{parts_of(order)[0].pk}/").status_code == 200


@pytest.mark.one_database
@pytest.mark.parametrize("count", [1, 3])
def test_the_page_of_an_order_asks_no_more_for_more_sites(
    people: People, acts: None, portfolio: Portfolio, count: int, django_assert_num_queries: Any
) -> None:
    with organization_scope(people.a):
        runs = [planned_battery_site(people.a, portfolio=portfolio) for _ in range(count)]
        product = MarketProductFactory(organization=people.a, gate_closure_minutes=15, maximum_minutes=15)
        do(requested(portfolio, product, runs, directions=["positive"]))
        order = ordered(largest(list(MarketOffer.objects.filter(part_of=None))))
        assert len(parts_of(order)) == count
        for part in parts_of(order):
            do(part.job_id)
        alice = people.client("alice")
        alice.get(f"/o/a/orders/{order.pk}/")
        with django_assert_num_queries(9):
            alice.get(f"/o/a/orders/{order.pk}/")
        with django_assert_num_queries(8):
            alice.get(f"/o/a/orders/{order.pk}/charts.json")


@pytest.mark.one_database
def test_the_form_makes_offers_and_refuses_at_the_field(
    people: People, portfolio: Portfolio, product: MarketProduct, runs: Runs
) -> None:
    alice, address = people.client("alice"), "/o/a/market/portfolio/"
    given = {
        "portfolio": portfolio.pk,
        "product": product.pk,
        "day": day_of(runs).isoformat(),
        "directions": ["positive"],
        "limit_kw": "",
        "key": "k",
    }
    foreign = PortfolioFactory(organization=people.b)
    for wrong, field in (
        ({"limit_kw": "-1"}, "limit_kw"),
        ({"day": "2020-01-01"}, "day"),
        ({"portfolio": foreign.pk}, "portfolio"),
    ):
        refused = alice.post(address, {**given, **wrong})
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])
    answer = alice.post(address, given)
    job = Job.objects.get(kind=OFFER_PORTFOLIO)
    assert f"job={job.pk}" in answer["Location"]
    assert "every 1s" in alice.get(answer["Location"]).content.decode()
    do(job)
    assert alice.get(answer["Location"], headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert set(MarketOffer.objects.values_list("state", flat=True)) == {OfferState.DRAFT}
    assert people.client("bob").get(address).status_code == 403


@pytest.mark.one_database
def test_the_api_offers_orders_and_lists_parts_when_asked(
    people: People, portfolio: Portfolio, product: MarketProduct, runs: Runs, of_a: APIClient, of_b: APIClient
) -> None:
    def post(client: APIClient, name: str, key: str, **body: Any) -> Any:
        return client.post(f"/api/v1/{name}/", body, format="json", headers={"Idempotency-Key": key})

    asked = {"portfolio": portfolio.pk, "product": product.pk, "day": day_of(runs).isoformat(), "submit": True}
    assert post(of_b, "market-offers/joint", "1", **asked).status_code == 400
    wrong = post(of_a, "market-offers/joint", "1", **{**asked, "limit_kw": -1})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "limit_kw")
    answer = post(of_a, "market-offers/joint", "2", **asked)
    assert answer.status_code == 202
    do(answer.json()["id"])
    found = of_a.get("/api/v1/market-offers/", {"portfolio": portfolio.pk}).json()["results"]
    assert found
    assert all(each["part_of"] is None for each in found)
    offer = max((each for each in found if each["direction"] == "positive"), key=lambda each: each["power_kw"])
    parts = of_a.get("/api/v1/market-offers/", {"part_of_offer": offer["id"]}).json()["results"]
    assert [each["part_of"] for each in parts] == [offer["id"]] * 2
    refused = post(of_a, "orders", "3", offer=parts[0]["reference"], reference="x", power_kw=parts[0]["power_kw"])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "offer")
    placed = post(of_a, "orders", "4", offer=offer["reference"], reference="call", power_kw=offer["power_kw"]).json()
    assert (placed["state"], placed["job"]) == ("accepted", None)
    assert [each["id"] for each in of_a.get("/api/v1/orders/").json()["results"]] == [placed["id"]]
    of_sites = of_a.get("/api/v1/orders/", {"part_of_order": placed["id"]}).json()["results"]
    assert sum(each["power_kw"] for each in of_sites) == offer["power_kw"]
    text = f"reference,offer,power_kw\ncall,{offer['reference']},{offer['power_kw']}\n"
    again = of_a.post("/api/v1/orders/upload/", text, content_type="text/csv", headers={"Idempotency-Key": "5"}).json()
    assert again["rows"][0]["order"] == placed["id"]
