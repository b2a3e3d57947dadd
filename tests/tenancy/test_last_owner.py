"""No door lets an organization lose its last active owner, not even that of platform staff."""

import pytest
from django.test import Client

from flexplatform.accounts.models import Membership, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import MembershipFactory

MESSAGE = "is the last active owner of A: name another one first."


@pytest.fixture
def staff(people: People) -> Client:
    people.dave.is_superuser = True
    people.dave.save()
    client = people.client("dave")
    client.post("/admin/organization/", {"organization": "a"})
    return client


@pytest.fixture
def owner(people: People) -> Membership:
    return Membership.objects.get(user=people.alice)


def account(user: User, **changes: str) -> dict[str, str]:
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {"email": user.email, "is_active": "on", **joined, **changes}


@pytest.mark.parametrize("form", [{"role": Role.VIEWER, "is_active": "on"}, {"role": Role.OWNER}])
def test_staff_cannot_lower_or_deactivate_the_last_owner(
    people: People, staff: Client, owner: Membership, form: dict[str, str]
) -> None:
    answer = staff.post(f"/admin/accounts/membership/{owner.pk}/change/", form, follow=True)
    assert MESSAGE in answer.content.decode()
    owner.refresh_from_db()
    assert (owner.role, owner.is_active) == (Role.OWNER, True)


def test_staff_cannot_remove_the_last_owner(people: People, staff: Client, owner: Membership) -> None:
    answer = staff.post(f"/admin/accounts/membership/{owner.pk}/delete/", {"post": "yes"}, follow=True)
    assert MESSAGE in answer.content.decode()
    bulk = {"action": "delete_selected", "_selected_action": owner.pk, "post": "yes"}
    staff.post("/admin/accounts/membership/", bulk)
    assert Membership.objects.filter(pk=owner.pk, is_active=True).exists()


def test_staff_cannot_close_the_account_of_the_last_owner(people: People, staff: Client) -> None:
    page = f"/admin/accounts/user/{people.alice.pk}/change/"
    closed = {name: value for name, value in account(people.alice).items() if name != "is_active"}
    assert MESSAGE in staff.post(page, closed).content.decode()
    people.alice.refresh_from_db()
    assert people.alice.is_active
    assert staff.post(page, account(people.alice, first_name="Alice")).status_code == 302
    MembershipFactory(organization=people.a, role=Role.OWNER)
    assert staff.post(page, closed).status_code == 302
    people.alice.refresh_from_db()
    assert not people.alice.is_active


def test_staff_cannot_delete_accounts_and_organizations(people: People, staff: Client) -> None:
    for page in (f"user/{people.alice.pk}", f"organization/{people.a.pk}"):
        assert staff.post(f"/admin/accounts/{page}/delete/", {"post": "yes"}).status_code == 403
    for name, pk in (("user", people.alice.pk), ("organization", people.a.pk)):
        staff.post(f"/admin/accounts/{name}/", {"action": "delete_selected", "_selected_action": pk, "post": "yes"})
    with organization_scope(people.a):
        assert User.objects.filter(pk=people.alice.pk).exists()
        assert Membership.objects.filter(organization=people.a, role=Role.OWNER).count() == 1
