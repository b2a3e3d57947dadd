"""A file of orders over the API: every row is answered."""

from datetime import UTC, datetime, timedelta

from rest_framework.test import APIClient

from flexmarket.models import Order
from flexplatform.accounts.scoping import organization_scope
from tests.api.conftest import of_a
from tests.conftest import People
from tests.factories import market_offer, planned_site

__all__ = ["of_a"]

ADDRESS = "/api/v1/orders/upload/"
START = (datetime.now(UTC) + timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)


def upload(client: APIClient, text: str, key: str = "1") -> tuple[int, dict[str, object]]:
    answer = client.post(ADDRESS, text, content_type="text/csv", headers={"Idempotency-Key": key})
    return answer.status_code, answer.json()


def test_good_rows_are_taken_and_bad_ones_answered(people: People, of_a: APIClient) -> None:
    with organization_scope(people.a):
        _, run = planned_site(people.a)
        offer = market_offer(people.a, run=run, start=START)
    text = f"reference,offer,power_kw\ngood,{offer.reference},4\nlarge,{offer.pk},400\nunknown,FX-999999,4\n"
    code, body = upload(of_a, text)
    assert code == 200
    with organization_scope(people.a):
        order = Order.objects.get()
    assert body["rows"] == [
        {"line": 2, "reference": "good", "order": order.pk, "wrong": []},
        {
            "line": 3,
            "reference": "large",
            "order": None,
            "wrong": [
                {
                    "field": "offer",
                    "message": "Flexibility procured: offer.state is partly_ordered; allowed: submitted.",
                },
                {
                    "field": "power_kw",
                    "message": "Power value rejected: power_kw is 400; allowed: more than 0 and at most 10.",
                },
            ],
        },
        {
            "line": 4,
            "reference": "unknown",
            "order": None,
            "wrong": [
                {
                    "field": "offer",
                    "message": "Unknown reference: offer is 'FX-999999'; "
                    "allowed: the id of an offer that is on the market.",
                }
            ],
        },
    ]


def test_a_file_that_is_none_orders_nothing(people: People, of_a: APIClient) -> None:
    code, body = upload(of_a, "reference,power\nx,1\n")
    assert code == 400
    assert "The column is missing; needed: reference, offer, power_kw." in str(body)
    with organization_scope(people.a):
        assert not Order.objects.exists()
