"""What platform staff and owners do with accounts in the admin, and who sees that it was done."""

import re
from typing import Any

import pytest
from django.test import Client
from django_scopes import scopes_disabled

from flexplatform.accounts import services
from flexplatform.accounts.models import ApiToken, AuditEvent, Membership, Organization, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import PASSWORD, MembershipFactory

pytestmark = pytest.mark.one_database

NEW_TOKEN = "/admin/accounts/apitoken/add/"
TOKEN = re.compile(r"flx_[0-9a-f]{16}\.[\w-]{43}")


@pytest.fixture
def staff(people: People) -> Client:
    people.dave.is_superuser = True
    people.dave.save()
    return people.client("dave")


def edit(client: Client, user: User, **changes: str) -> None:
    form = {"email": user.email, "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    form = {name: value for name, value in {**form, **changes}.items() if value}
    assert client.post(f"/admin/accounts/user/{user.pk}/change/", form).status_code == 302


def events(organization: Organization) -> list[tuple[str, Any, Any]]:
    with organization_scope(organization):
        return list(AuditEvent.objects.order_by("pk").values_list("action", "before", "after"))


def test_owners_of_every_organization_see_what_staff_did_to_a_member(people: People, staff: Client) -> None:
    MembershipFactory(user=people.bob, organization=people.b, role=Role.OPERATOR)
    edit(staff, people.bob, first_name="Robert")
    edit(staff, people.bob, first_name="Robert", is_active="")
    password = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert staff.post(f"/admin/accounts/user/{people.bob.pk}/password/", password).status_code == 302
    for organization, owner in ((people.a, "alice"), (people.b, "charlie")):
        assert events(organization) == [
            ("user.change", {"first_name": ""}, {"first_name": "Robert"}),
            ("user.change", {"is_active": True}, {"is_active": False}),
            ("user.password", None, None),
        ]
        page = people.client(owner).get(f"/o/{organization.slug}/audit/").content.decode()
        assert "dave@example.com" in page
        assert "is_active" in page


def test_owners_see_what_staff_did_to_their_organization_only(people: People, staff: Client) -> None:
    form = {"name": "A renamed", "slug": "a", "time_zone": "Europe/Berlin", "country": "DE"}
    assert staff.post(f"/admin/accounts/organization/{people.a.pk}/change/", form).status_code == 302
    assert events(people.a) == [("organization.change", {"name": "A"}, {"name": "A renamed"})]
    assert events(people.b) == []


def test_staff_read_what_concerned_no_organization_and_owners_do_not(people: People, staff: Client) -> None:
    form = {"email": "erin@example.com", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert staff.post("/admin/accounts/user/add/", form).status_code == 302
    with scopes_disabled():
        event = AuditEvent.objects.get(action="user.create")
    assert event.organization is None
    page = "/admin/accounts/auditevent/"
    assert b"erin@example.com" in staff.get(page).content
    assert staff.get(f"{page}{event.pk}/change/").status_code == 200
    assert b"erin@example.com" not in people.client("alice").get(page).content
    assert people.client("alice").get(f"{page}{event.pk}/change/").status_code == 302


def test_staff_see_the_events_of_the_organization_that_they_entered_only(people: People, staff: Client) -> None:
    edit(staff, people.bob, first_name="Robert")
    edit(staff, people.charlie, first_name="Charles")
    staff.post("/admin/organization/", {"organization": "a"}, follow=True)
    listed = staff.get("/admin/accounts/auditevent/").content
    assert b"bob@example.com" in listed
    assert b"charlie@example.com" not in listed


def token_form(organization: Organization, **changes: Any) -> dict[str, Any]:
    form = {"organization": organization.pk, "name": "robot", "permissions": ["sites.view"]}
    return {**form, "expires_at": "2099-12-31", "allowed_networks": "192.0.2.0/24", **changes}


def test_a_token_is_made_in_the_admin_and_shown_once(people: People) -> None:
    client = people.client("alice")
    assert client.get(NEW_TOKEN).status_code == 200
    made = client.post(NEW_TOKEN, token_form(people.a))
    text = TOKEN.search(made.content.decode())
    assert text
    assert "no-store" in made["Cache-Control"]
    token = services.authenticate_token(text[0], "192.0.2.7")
    assert (token.granted, token.created_by) == ({"sites.view"}, people.alice)
    assert token.expires_at is not None
    with pytest.raises(services.TokenRefusedError):
        services.authenticate_token(text[0], "198.51.100.1")
    for page in ("", f"{token.pk}/change/"):
        assert not TOKEN.search(client.get(f"/admin/accounts/apitoken/{page}").content.decode())
    with organization_scope(people.a):
        event = AuditEvent.objects.get(action="token.create")
    assert (event.user, event.door) == (people.alice, "admin")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"permissions": ["members.manage"]}, "members.manage is not one of the available choices"),
        ({"expires_at": "2020-01-01"}, "The last day must be today or later"),
        ({"allowed_networks": "192.0.2.1/24"}, "192.0.2.1/24 is not a network"),
    ],
)
def test_a_bad_token_is_refused_in_the_admin(people: People, changes: dict[str, Any], words: str) -> None:
    answer = people.client("alice").post(NEW_TOKEN, token_form(people.a, **changes))
    assert words in answer.content.decode()
    with organization_scope(people.a):
        assert not ApiToken.objects.exists()


def test_a_token_of_the_admin_belongs_to_an_organization_of_its_maker(people: People, staff: Client) -> None:
    refused = people.client("alice").post(NEW_TOKEN, token_form(people.b))
    assert b"Select a valid choice" in refused.content
    staff.post("/admin/organization/", {"organization": "a"})
    assert staff.post(NEW_TOKEN, token_form(people.a)).status_code == 403
    Membership.objects.create(user=people.dave, organization=people.a, role=Role.VIEWER)
    assert staff.get(NEW_TOKEN).status_code == 403
    with scopes_disabled():
        assert not ApiToken.objects.exists()


def test_a_token_of_the_admin_never_holds_more_than_its_maker_there(people: People) -> None:
    MembershipFactory(user=people.alice, organization=people.b, role=Role.OWNER)
    Membership.objects.filter(user=people.alice, organization=people.a).update(role=Role.OPERATOR)
    people.alice.is_superuser = True
    people.alice.save()
    client = people.client("alice")
    client.post("/admin/organization/", {"organization": "a"})
    assert b"sites.change" not in client.get(NEW_TOKEN).content
    answer = client.post(NEW_TOKEN, token_form(people.a, permissions=["sites.change"]))
    assert b"sites.change is not one of the available choices" in answer.content
