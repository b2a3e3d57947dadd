"""Who may enter the API, and how it says no."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from flexplatform.accounts import permissions
from flexplatform.accounts.models import ApiToken, Membership
from flexplatform.accounts.scoping import organization_scope
from flexplatform.api.registry import api_resources
from tests.api.conftest import caller
from tests.conftest import People
from tests.factories import planned_site

LISTS = (*(resource.name for resource in api_resources), "jobs", "audit-events")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("Basic YTpi", "The Authorization header is Basic; allowed: Bearer flx_<key>.<secret>."),
        ("Bearer flx_0123456789abcdef." + "x" * 43, "The API token is not valid."),
        ("Bearer ", "The API token is not valid."),
    ],
)
def test_without_a_valid_token_nothing_opens(header: str | None, detail: str) -> None:
    for name in (*LISTS, "token"):
        answer = APIClient().get(f"/api/v1/{name}/", headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), name
        assert answer["Content-Type"] == "application/problem+json", name
        assert answer.json() == {
            "type": "about:blank",
            "title": "A valid API token is needed",
            "status": 401,
            "detail": detail,
        }, name


def test_a_revoked_an_expired_and_an_orphaned_token_open_nothing(people: People) -> None:
    def answers(**changes: object) -> tuple[int, str]:
        client = caller(people.a, people.alice)
        with organization_scope(people.a):
            ApiToken.objects.update(**changes)
        answer = client.get("/api/v1/sites/")
        return answer.status_code, answer.json()["detail"]

    now = timezone.now()
    assert answers(revoked_at=now) == (401, "The API token was revoked.")
    assert answers(expires_at=now - timedelta(seconds=1)) == (401, "The API token has expired.")
    assert answers(allowed_networks=["192.0.2.0/24"]) == (401, "The API token is not valid.")
    client = caller(people.a, people.alice)
    Membership.objects.filter(user=people.alice).update(is_active=False)
    assert client.get("/api/v1/sites/").status_code == 401


def test_a_token_does_only_what_it_was_made_for(people: People) -> None:
    portfolios = caller(people.a, people.alice, [permissions.VIEW_PORTFOLIOS])
    sites = caller(people.a, people.alice, [permissions.VIEW_SITES])
    for name in LISTS:
        answer = (sites if name == "portfolios" else portfolios).get(f"/api/v1/{name}/")
        assert answer.status_code == 403, name
        assert answer.json()["detail"].startswith("The token lacks the permission "), name


def test_one_organization_sees_nothing_of_another(people: People, of_a: APIClient, of_b: APIClient) -> None:
    site, run = planned_site(people.a)
    with organization_scope(people.a):
        offers = run.offers.get().pk
    paths = [f"sites/{site.pk}", f"portfolios/{site.portfolio_id}", f"schedule-runs/{run.pk}", f"offers/{offers}"]
    for path in paths:
        assert of_a.get(f"/api/v1/{path}/").status_code == 200, path
        refused = of_b.get(f"/api/v1/{path}/")
        assert (refused.status_code, refused.json()["title"]) == (404, "There is nothing at this address"), path
    for name in ("sites", "portfolios", "schedule-runs", "offers"):
        assert len(of_a.get(f"/api/v1/{name}/").json()["results"]) == 1
        assert of_b.get(f"/api/v1/{name}/").json()["results"] == []
    for path in (f"schedule-runs/?site={site.pk}", f"offers/?run={run.pk}", f"offers/export/?run={run.pk}&market=alf"):
        refused = of_b.get(f"/api/v1/{path}")
        assert (refused.status_code, len(refused.json()["errors"])) == (400, 1), path
    assert of_b.patch(f"/api/v1/sites/{site.pk}/", {"name": "mine"}, format="json").status_code == 404
    assert of_b.delete(f"/api/v1/sites/{site.pk}/").status_code == 404
    moved = of_b.post(
        "/api/v1/sites/",
        {"portfolio": site.portfolio_id, "name": "x", "latitude": 1, "longitude": 1},
        format="json",
    )
    assert moved.json()["errors"] == [
        {
            "field": "portfolio",
            "message": f"portfolio is {site.portfolio_id}; allowed: the id of a portfolio of B.",
        }
    ]


def test_the_token_tells_what_it_may_and_how_often(people: People) -> None:
    client = caller(people.a, people.alice, [permissions.VIEW_SITES])
    answer = client.get("/api/v1/token/")
    assert answer.json()["may"] == [permissions.VIEW_SITES]
    assert answer.json()["organization"] == "a"
    assert "digest" not in answer.json()
    left = int(answer["RateLimit-Remaining"])
    assert int(client.get("/api/v1/token/")["RateLimit-Remaining"]) == left - 1


@pytest.mark.django_db
def test_addresses_that_do_not_exist_are_problems_too() -> None:
    answer = APIClient().get("/api/v1/nothing/here")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.django_db
def test_the_description_is_complete_and_served_without_any_network() -> None:
    schema = APIClient().get("/api/v1/schema/?format=json").json()
    assert schema["openapi"] == "3.1.0"
    assert {f"/api/v1/{name}/" for name in (*LISTS, "token")} <= set(schema["paths"])
    page = APIClient().get("/api/v1/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "//cdn" not in html
    assert "<style" not in html
    assert "<script>" not in html
