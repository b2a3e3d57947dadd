"""Every address of the portal, as a stranger, an outsider, and a member in each role."""

import re
from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client

from flexplatform.accounts.models import ApiToken, Membership
from flexplatform.accounts.permissions import CANCEL_JOBS, PERMISSIONS, VIEW_JOBS, Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import JobKind, job_kinds
from tests.conftest import People
from tests.tenancy.addresses import PLATFORM, PLATFORM_ROUTES, TENANT, TENANT_ROUTES
from tests.tenancy.conftest import World

pytestmark = pytest.mark.one_database

WITH_IDS = sorted(name for name, route in TENANT_ROUTES.items() if "<int:" in route)
PAGES = [name for name in TENANT if TENANT[name].method == "get" and name not in WITH_IDS]


def status(client: Client, name: str, url: str) -> int:
    """Return what the address answers, and undo what it did."""
    rule = TENANT[name]
    with transaction.atomic():
        code = int(getattr(client, rule.method)(url, rule.data).status_code)
        transaction.set_rollback(True)
    return code


def test_every_address_is_known() -> None:
    assert set(TENANT_ROUTES) == set(TENANT)
    assert set(PLATFORM_ROUTES) == set(PLATFORM)


@pytest.mark.parametrize("name", sorted(TENANT))
def test_an_organization_exists_for_its_members_only(people: People, world: World, name: str) -> None:
    url = world.address(TENANT_ROUTES[name], "a")
    assert status(Client(), name, url) == 302
    assert status(people.client("charlie"), name, url) == 404
    assert status(people.client("dave"), name, url) == 404
    alice = people.client("alice")
    assert status(alice, name, world.address(TENANT_ROUTES[name], "no-such-organization")) == 404
    assert status(alice, name, url) == TENANT[name].ok
    Membership.objects.filter(user=people.alice).update(is_active=False)
    assert status(alice, name, url) == 404
    Membership.objects.filter(user=people.alice).update(is_active=True)
    people.alice.is_active = False
    people.alice.save()
    assert status(alice, name, url) == 302


@pytest.mark.parametrize("name", sorted(TENANT))
def test_a_role_opens_what_the_table_says(
    people: People, world: World, as_role: Callable[[Role], None], name: str
) -> None:
    with organization_scope(people.a):
        ApiToken.objects.update(created_by=people.bob)
    url, client = world.address(TENANT_ROUTES[name], "a"), people.client("bob")
    for role in Role:
        as_role(role)
        allowed = TENANT[name].permission in PERMISSIONS[role]
        assert status(client, name, url) == (TENANT[name].ok if allowed else 403), role


@pytest.mark.parametrize("name", WITH_IDS)
def test_a_foreign_row_does_not_exist_under_the_own_address(
    people: People, world: World, foreign: World, name: str
) -> None:
    client = people.client("alice")
    assert status(client, name, foreign.address(TENANT_ROUTES[name], "a")) == 404
    route = re.sub(r"<int:\w+>", str(10**30), TENANT_ROUTES[name])
    assert status(client, name, world.address(route, "a")) == 404


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_nothing_of_others(people: People, world: World, foreign: World, name: str) -> None:
    content = people.client("alice").get(world.address(TENANT_ROUTES[name], "a")).content.decode(errors="replace")
    for secret in ("Home of B", "charlie@example.com", "new@b.example", "robot of B", foreign.member.user.email):
        assert secret not in content


@pytest.mark.parametrize("wanted", ["robot of B", "charlie@example.com", "accounts.apitoken"])
def test_a_filter_reaches_no_foreign_event(people: People, world: World, foreign: World, wanted: str) -> None:
    for field in ("actor", "object"):
        content = people.client("alice").get("/o/a/audit/", {field: wanted}).content.decode()
        assert "/new@b.example" not in content
        assert "robot of B (" not in content


def test_members_see_and_revoke_their_own_tokens_only(
    people: People, world: World, as_role: Callable[[Role], None]
) -> None:
    as_role(Role.OPERATOR)
    client = people.client("bob")
    assert b"robot of A" not in client.get("/o/a/tokens/").content
    assert client.post(f"/o/a/tokens/{world.token.pk}/revoke/").status_code == 404


@pytest.mark.parametrize("kind", list(job_kinds), ids=lambda kind: kind.name)
def test_a_job_is_seen_and_stopped_by_those_who_may_do_its_kind(
    people: People, world: World, as_role: Callable[[Role], None], kind: JobKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_role(Role.OPERATOR)
    with organization_scope(people.a):
        Job.objects.update(kind=kind.name)
    client, page = people.client("bob"), f"/o/a/jobs/{world.job.pk}/"

    def answers_without(permission: str) -> tuple[int, bool, int]:
        monkeypatch.setitem(PERMISSIONS, Role.OPERATOR, held - {permission})
        listed = page.encode() in client.get("/o/a/jobs/").content
        return client.get(page).status_code, listed, status(client, "job_cancel", f"{page}cancel/")

    held = PERMISSIONS[Role.OPERATOR]
    assert answers_without("") == (200, True, 302)
    assert answers_without(kind.view_permission) == (404, False, 404)
    assert answers_without(kind.run_permission) == (200, True, 403)
    assert answers_without(CANCEL_JOBS) == (200, True, 403)
    assert answers_without(VIEW_JOBS)[:2] == (403, False)


@pytest.mark.parametrize("name", sorted(PLATFORM))
def test_addresses_without_organization(people: People, name: str) -> None:
    route = PLATFORM_ROUTES[name]
    for argument in ("<str:text>", "<str:uidb64>", "<str:token>"):
        route = route.replace(argument, "x")
    stranger, member = PLATFORM[name]
    assert Client().get(route).status_code == stranger
    assert people.client("dave").get(route).status_code == member
