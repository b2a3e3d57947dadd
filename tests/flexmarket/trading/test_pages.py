"""Pages of products, offers and orders: what they show, refuse at the field, and change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook

from flexmarket.engine.market.states import OfferState
from flexmarket.models import Contract, MarketOffer, MarketProduct, Order
from flexmarket.trading.tasks import MAKE_OFFERS
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from tests.conftest import People
from tests.factories import MarketProductFactory, market_offer, planned_site

pytestmark = pytest.mark.one_database

START = (datetime.now(UTC) + timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)
PRODUCT = {
    "name": "Evening",
    "currency": "EUR",
    "gate_closure_minutes": 60,
    "minimum_power_kw": "1",
    "power_step_kw": "0.5",
    "minimum_minutes": 15,
    "maximum_minutes": 60,
    "most_calls_per_day": 0,
    "rest_minutes": 0,
    "margin_share": "0.1",
    "margin_per_kwh": 0,
    "availability_price_per_kw_h": 0,
    "baseline_method": "schedule",
    "tolerance_share": 0,
    "minimum_delivery_share": 0,
    "penalty_per_kwh": "0.3",
}


@pytest.fixture
def alice(people: People) -> Iterator[Client]:
    with organization_scope(people.a):
        yield people.client("alice")


@pytest.fixture
def offer(people: People) -> MarketOffer:
    return market_offer(people.a, run=planned_site(people.a)[1], start=START)


def another(offer: MarketOffer, **values: Any) -> MarketOffer:
    given = {"exclusive_group": "", "start": START + timedelta(hours=2), **values}
    return market_offer(offer.organization, run=offer.plan, product=offer.product, **given)


def test_a_product_is_made_and_what_is_wrong_stands_at_its_field(alice: Client) -> None:
    wrong = alice.post("/o/a/products/new/", {**PRODUCT, "minimum_minutes": 90})
    assert wrong.status_code == 422
    assert list(wrong.context["form"].errors) == ["maximum_minutes"]
    assert alice.post("/o/a/products/new/", PRODUCT).status_code == 302
    made = MarketProduct.objects.get()
    assert (made.name, str(made.margin_share), made.partial_calls) == ("Evening", "0.100000", False)
    page = f"/o/a/products/{made.pk}/"
    assert alice.post(page, {**PRODUCT, "name": "Night", "is_active": "on"}).status_code == 302
    assert "Night" in alice.get("/o/a/products/").content.decode()
    assert alice.post(f"{page}delete/").status_code == 302
    assert not MarketProduct.objects.exists()


def test_a_product_with_offers_stays(alice: Client, offer: MarketOffer) -> None:
    answer = alice.post(f"/o/a/products/{offer.product_id}/delete/", follow=True)
    assert "is still used by" in answer.content.decode()
    assert MarketProduct.objects.count() == 1


def test_a_contract_names_own_sites_only(alice: Client, people: People) -> None:
    own, foreign = planned_site(people.a)[0], planned_site(people.b)[0]
    values = {"name": "House", "owner_share": "0.7", "valid_from": "2026-01-01"}
    refused = alice.post("/o/a/contracts/new/", {**values, "site": foreign.pk})
    assert list(refused.context["form"].errors) == ["site"]
    assert alice.post("/o/a/contracts/new/", {**values, "site": own.pk}).status_code == 302
    made = Contract.objects.get()
    assert made.site == own
    again = alice.post("/o/a/contracts/new/", {**values, "name": "Twice", "site": own.pk})
    assert list(again.context["form"].errors) == ["valid_from"]
    shown = alice.get(f"/o/a/contracts/{made.pk}/").context["form"]
    assert shown["site"].value() == own.pk


def test_offers_are_filtered_and_summed_by_state(alice: Client, offer: MarketOffer) -> None:
    draft = another(offer, state=OfferState.DRAFT, direction="negative")
    page = alice.get("/o/a/market/")
    assert {row.pk for row in page.context["offers"]} == {offer.pk, draft.pk}
    assert [(each.state, each.count, each.power_kw) for each in page.context["sums"]] == [
        ("draft", 1, 10),
        ("submitted", 1, 10),
    ]
    for query in ({"state": "draft"}, {"direction": "negative"}):
        found = alice.get("/o/a/market/", query)
        assert [row.pk for row in found.context["offers"]] == [draft.pk]
    assert not alice.get("/o/a/market/", {"day": "1999-01-01"}).context["offers"]
    assert len(alice.get("/o/a/market/", {"day": "nonsense", "run": "x"}).context["offers"]) == 2


def test_many_offers_change_all_or_none(alice: Client, offer: MarketOffer) -> None:
    drafts = [another(offer, state=OfferState.DRAFT) for _ in range(2)]
    ids = [each.pk for each in drafts]
    answer = alice.post("/o/a/market/change/", {"action": "submit", "offers": ids, "back": "state=draft"})
    assert answer["Location"] == "/o/a/market/?state=draft"
    states = MarketOffer.objects.filter(pk__in=ids).values_list("state", flat=True)
    assert set(states) == {"submitted"}
    given = {"action": "revoke", "offers": ids, "reason": "The battery is serviced."}
    assert "2 offers were revoked." in alice.post("/o/a/market/change/", given, follow=True).content.decode()
    drafts[0].refresh_from_db()
    assert (drafts[0].state, drafts[0].reason) == ("revoked", "The battery is serviced.")
    mixed = alice.post("/o/a/market/change/", {"action": "submit", "offers": [*ids, offer.pk]}, follow=True)
    assert "cannot become" in mixed.content.decode()
    unknown = alice.post("/o/a/market/change/", {"action": "revoke", "offers": [offer.pk, 10**15]}, follow=True)
    assert "some of these offers do not exist" in unknown.content.decode()
    offer.refresh_from_db()
    assert offer.state == "submitted"


def test_an_offer_shows_prices_history_and_chart(alice: Client, offer: MarketOffer) -> None:
    alice.post("/o/a/market/change/", {"action": "revoke", "offers": [offer.pk], "reason": "Serviced."})
    page = alice.get(f"/o/a/market/{offer.pk}/")
    assert page.context["steps"] == [
        {"from_kw": 0.0, "up_to_kw": 4.0, "price": 0.1},
        {"from_kw": 4.0, "up_to_kw": 10.0, "price": 0.2},
    ]
    assert [(str(each.after), each.reason) for each in page.context["history"]] == [("Revoked", "Serviced.")]
    (chart,) = alice.get(f"/o/a/market/{offer.pk}/chart.json").json()["charts"]
    assert [series["label"] for series in chart["series"]] == ["Plan", "With the whole call"]
    assert chart["series"][0]["values"] == [12.0] * 4
    assert chart["series"][1]["values"] == [2.0] * 4


def test_an_order_is_placed_or_refused_by_name(alice: Client, offer: MarketOffer) -> None:
    address = f"/o/a/market/{offer.pk}/order/"
    refused = alice.post(address, {"reference": "call-1", "power_kw": "11", "price_eur_per_kwh": "9"})
    assert refused.status_code == 422
    assert [each.reason for each in refused.context["refusals"]] == ["Power value rejected"]
    assert "more than 0 and at most 10" in refused.content.decode()
    taken = alice.post(address, {"reference": "call-1", "power_kw": "4", "price_eur_per_kwh": "0.1"})
    order = Order.objects.get()
    assert taken["Location"] == f"/o/a/orders/{order.pk}/"
    assert [row.pk for row in alice.get("/o/a/orders/", {"text": "call-1"}).context["orders"]] == [order.pk]
    page = alice.get(taken["Location"])
    assert page.context["running"] is True
    assert 'hx-trigger="every 1s"' in page.content.decode()
    charts = alice.get(f"{taken['Location']}charts.json").json()["charts"]
    assert [series["label"] for series in charts[0]["series"]] == ["Plan before", "The call"]
    assert charts[0]["series"][1]["values"] == [8.0] * 4


def test_the_page_is_loaded_once_more_when_the_activation_has_ended(alice: Client, offer: MarketOffer) -> None:
    alice.post(f"/o/a/market/{offer.pk}/order/", {"reference": "call-1", "power_kw": "4"})
    order = Order.objects.get()
    address, asks = f"/o/a/orders/{order.pk}/?running", {"HX-Request": "true"}
    assert "HX-Refresh" not in alice.get(address, headers=asks)
    Job.objects.filter(pk=order.job_id).update(status=Job.Status.FAILED, error="No.", finished_at=START)
    assert alice.get(address, headers=asks)["HX-Refresh"] == "true"


def test_making_offers_starts_a_job_and_shows_it(alice: Client, people: People) -> None:
    _, run = planned_site(people.a)
    product = MarketProductFactory(organization=people.a)
    address = f"/o/a/runs/{run.pk}/make-offers/"
    assert [value for value, _ in alice.get(address).context["form"].fields["devices"].choices] == ["battery"]
    given = {"product": product.pk, "directions": ["positive"], "key": "k"}
    nothing = alice.post(address, given)
    assert list(nothing.context["form"].errors) == ["devices"]
    answer = alice.post(address, {**given, "devices": ["battery"], "submit": "on"})
    job = Job.objects.get(kind=MAKE_OFFERS)
    assert answer["Location"] == f"{address}?job={job.pk}"
    assert (job.input["subjects"], job.input["directions"], job.input["submitted"]) == (["battery"], ["positive"], True)
    assert "every 1s" in alice.get(answer["Location"]).content.decode()
    assert alice.get(f"{address}?job=1{job.pk}").context["job"] is None


def upload(client: Client, content: bytes, name: str = "orders.csv") -> Any:
    return client.post("/o/a/orders/upload/", {"file": SimpleUploadedFile(name, content)})


def test_each_row_of_a_file_is_answered(alice: Client, offer: MarketOffer) -> None:
    other = another(offer)
    lines = [
        "reference;offer;power_kw;price_eur_per_kwh",
        f"one;FX-{offer.pk};4,5;",
        f"two;FX-{other.pk};much;",
        f"three;FX-{other.pk};11;",
        "four;FX-987654;4;",
        f"five;FX-{other.pk};4;9",
    ]
    answer = upload(alice, "\n".join(lines).encode())
    found = [(each.line, [wrong.column for wrong in each.wrong]) for each in answer.context["answers"]]
    assert found == [(2, []), (3, ["power_kw"]), (4, ["power_kw"]), (5, ["offer"]), (6, ["price_eur_per_kwh"])]
    assert answer.status_code == 422
    assert [(order.reference, float(order.power_kw)) for order in Order.objects.all()] == [("one", 4.5)]
    again = upload(alice, "\n".join(lines[:2]).encode())
    assert (again.status_code, Order.objects.count()) == (200, 1)


def test_a_workbook_is_a_file_too(alice: Client, offer: MarketOffer) -> None:
    book, content = Workbook(), BytesIO()
    book.worksheets[0].append(["reference", "offer", "power_kw"])
    book.worksheets[0].append(["one", offer.pk, 4])
    book.save(content)
    assert upload(alice, content.getvalue(), "orders.xlsx").status_code == 200
    assert Order.objects.get().offer == offer


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"reference,offer\none,FX-1", "power_kw"),
        (b"reference,offer,power_kw,colour\none,FX-1,4,red", "colour"),
        (b"reference,offer,power_kw\none,FX-1", "2 cells"),
        (b"reference,offer,power_kw\n", "0 orders"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_file_that_is_none_orders_nothing(alice: Client, content: bytes, said: str) -> None:
    answer = upload(alice, content)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("hours", "every"), [(-1, "every 30s"), (0.5, "every 5s"), (2, "")], ids=["before", "meanwhile", "afterwards"]
)
def test_a_call_is_watched_from_its_activation_to_its_last_readings(
    alice: Client, offer: MarketOffer, hours: float, every: str
) -> None:
    alice.post(f"/o/a/market/{offer.pk}/order/", {"reference": "call-1", "power_kw": "4"})
    Job.objects.update(status=Job.Status.SUCCEEDED, finished_at=START)
    Order.objects.update(state=Order.State.ACTIVATED, activated_at=START - timedelta(hours=2))
    with time_machine.travel(START + timedelta(hours=hours), tick=False):
        page = order_page(alice)
    assert (every in page) if every else ("every 5s" not in page and "every 30s" not in page)
    assert ('data-every="15"' in page) is bool(every)


def order_page(client: Client) -> str:
    return client.get(f"/o/a/orders/{Order.objects.get().pk}/").content.decode()
