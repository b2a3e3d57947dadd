"""Every operation of the API: without a token, with tokens that open nothing, of each role, and of another tenant."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from flexplatform.accounts.models import ApiToken, Membership
from flexplatform.accounts.permissions import ALL, DELEGABLE, PERMISSIONS, Role
from flexplatform.accounts.scoping import organization_scope
from tests.api.conftest import caller
from tests.conftest import People
from tests.tenancy.conftest import World
from tests.tenancy.operations import CLOSED, OPEN, OPERATIONS, RESOURCES, Operation, strangers

pytestmark = pytest.mark.one_database

REFUSED = {401, 403, 404, 405, 500}
BEYOND = 10**30


@pytest.fixture(autouse=True)
def _unlimited() -> None:
    """Count the calls of each test anew, as every one makes many."""
    cache.clear()


def of(resource: str) -> list[Operation]:
    return [each for each in OPERATIONS if each.resource == resource]


def row_of(client: APIClient, resource: str) -> int | None:
    """Return the id of a row that the list of a resource shows, where its operations name one."""
    if not any(each.about_a_row for each in of(resource)):
        return None
    (listing,) = (each for each in of(resource) if each.action == "list" and not each.about_a_row)
    rows = client.get(listing.route).json()["results"]
    assert rows, f"tests/tenancy/conftest.py makes no row of {resource}"
    return int(rows[0]["id"])


def test_every_address_of_the_api_is_fenced_or_known() -> None:
    assert strangers() == OPEN
    for each in OPERATIONS:
        assert each.needs is None or each.needs in ALL, f"{each} needs {each.needs}, which no role has"


@pytest.mark.parametrize("resource", RESOURCES)
def test_without_a_valid_token_nothing_opens(people: People, world: World, of_a: APIClient, resource: str) -> None:
    pk = row_of(of_a, resource)
    for header in ("", "Bearer nonsense", "Bearer flx_0123456789abcdef." + "x" * 43, "Basic YTpi"):
        stranger = APIClient(headers={"Authorization": header} if header else {})
        for each in of(resource):
            assert each.call(stranger, pk).status_code == 401, f"{each} with {header!r}"


@pytest.mark.parametrize("end", ["revoked", "expired", "member", "person", "network"])
def test_a_token_that_has_ended_opens_nothing(people: People, world: World, end: str) -> None:
    token = caller(people.a, people.alice)
    ids = {resource: row_of(token, resource) for resource in RESOURCES}
    ended: dict[str, Callable[[], object]] = {
        "revoked": lambda: ApiToken.objects.update(revoked_at=timezone.now()),
        "expired": lambda: ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1)),
        "member": lambda: Membership.objects.filter(user=people.alice).update(is_active=False),
        "person": lambda: type(people.alice).objects.filter(pk=people.alice.pk).update(is_active=False),
        "network": lambda: ApiToken.objects.update(allowed_networks=["192.0.2.0/24"]),
    }
    with organization_scope(people.a):
        ended[end]()
    for each in OPERATIONS:
        assert each.call(token, ids[each.resource]).status_code == 401, each


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_token_does_exactly_what_its_permissions_say(
    people: People, world: World, of_a: APIClient, resource: str
) -> None:
    pk = row_of(of_a, resource)
    for each in of(resource):
        if each.needs is None:
            assert each.call(of_a, pk).status_code == 200, each
            continue
        assert each.call(of_a, pk).status_code not in REFUSED, each
        others = caller(people.a, people.alice, DELEGABLE - {each.needs})
        assert each.call(others, pk).status_code == 403, each
        assert each.call(others, BEYOND).status_code == 403, f"{each}: a token without the right learns what exists"


@pytest.mark.parametrize("role", list(Role))
def test_a_token_never_does_more_than_the_role_of_its_maker(people: People, world: World, role: Role) -> None:
    token = caller(people.a, people.alice)
    ids = {resource: row_of(token, resource) for resource in RESOURCES}
    Membership.objects.filter(user=people.alice).update(role=role)
    for each in OPERATIONS:
        allowed = each.needs is None or each.needs in PERMISSIONS[role]
        status = each.call(token, ids[each.resource]).status_code
        assert status not in REFUSED if allowed else status == 403, f"{each} as {role}: {status}"


@pytest.mark.parametrize("resource", [name for name in RESOURCES if any(each.about_a_row for each in of(name))])
def test_the_rows_of_another_organization_do_not_exist(
    people: People, world: World, foreign: World, of_a: APIClient, of_b: APIClient, resource: str
) -> None:
    pk = row_of(of_a, resource)
    for each in of(resource):
        if each.about_a_row:
            assert each.call(of_b, pk).status_code == 404, each
            assert each.call(of_b, BEYOND).status_code == 404, each
            assert each.call(of_a, pk).status_code not in REFUSED, each
    (listing,) = (each for each in of(resource) if each.action == "list")
    assert pk not in [row["id"] for row in of_b.get(listing.route, {"page_size": 1000}).json()["results"]]


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_list_shows_anything_of_others(people: People, world: World, foreign: World, resource: str) -> None:
    token = caller(people.a, people.alice)
    for each in of(resource):
        if each.action == "list":
            content = token.get(each.route).content.decode()
            for secret in ("Home of B", "charlie@example.com", "new@b.example", "robot of B"):
                assert secret not in content, each


@override_settings(API_RATE="100000/minute")
def test_what_is_not_offered_is_closed_for_everybody(people: People, world: World, of_a: APIClient) -> None:
    for each in CLOSED:
        assert each.call(APIClient(), 1).status_code == 401, each
        assert each.call(of_a, 1).status_code == 405, each
    for each in OPERATIONS:
        for method in {"get", "post", "put", "patch", "delete"} - {o.method for o in OPERATIONS if o.name == each.name}:
            address = each.address(row_of(of_a, each.resource) if each.about_a_row else None)
            assert getattr(of_a, method)(address).status_code == 405, f"{method} {each.route}"
