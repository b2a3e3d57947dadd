"""Members, invitations, tokens, audit and the own account, as a person uses them."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.accounts import audit, services
from flexplatform.accounts.models import ApiToken, AuditEvent, Door, Invitation, Membership, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.one_database

MEMBERS_QUERIES = 5
TOKENS_QUERIES = 4
AUDIT_QUERIES = 5


def invite(people: People, email: str = "new@example.com", role: str = Role.OPERATOR) -> str:
    response = people.client("alice").post("/o/a/members/", {"email": email, "role": role}, follow=True)
    assert response.status_code == 200
    link = re.search(r"http://testserver(/invitation/\S+)", str(mail.outbox[-1].body))
    assert link
    return link[1]


def test_an_invited_stranger_becomes_a_member(people: People) -> None:
    link = invite(people, "New@Example.com")
    assert mail.outbox[-1].to == ["new@example.com"]
    client = Client()
    page = client.get(link)
    assert b"Invitation to A" in page.content
    form = {"first_name": "New", "password": PASSWORD, "password_again": PASSWORD}
    weak = client.post(link, {**form, "password": "new", "password_again": "new"})
    assert b"Password: This password is too short" in weak.content
    assert b"Password again: The two passwords differ" in client.post(link, {**form, "password_again": "x"}).content
    assert client.post(link, form)["Location"] == "/o/a/"
    assert client.get("/o/a/").status_code == 200
    membership = Membership.objects.get(user__email="new@example.com")
    assert (membership.role, membership.user.first_name) == (Role.OPERATOR, "New")
    assert Client().get(link).status_code == Client().post(link, form).status_code == 410
    with organization_scope(people.a):
        own = AuditEvent.objects.filter(user=membership.user).order_by("pk")
        assert [event.action for event in own] == ["member.invite_accept", "member.add", "user.create"]


def test_an_existing_user_accepts_after_signing_in(people: People) -> None:
    link = invite(people, "dave@example.com")
    assert b"Sign in to accept" in Client().get(link).content
    refused = Client().post(link, {"password": PASSWORD, "password_again": PASSWORD})
    assert refused.status_code == 422
    assert b"Sign in to accept" in refused.content
    assert people.dave.memberships.count() == 0
    assert b"Sign out" in people.client("charlie").get(link).content
    assert b"is for dave@example.com" in people.client("charlie").post(link).content
    assert people.client("dave").post(link)["Location"] == "/o/a/"
    assert Membership.objects.get(user=people.dave).role == Role.OPERATOR


def test_an_invitation_ends(people: People) -> None:
    first = invite(people)
    second = invite(people)
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert Client().get(second).status_code == 410
        assert b"expired" in people.client("alice").get("/o/a/members/").content
    with scopes_disabled():
        pk = Invitation.objects.get(withdrawn_at=None).pk
    people.client("alice").post(f"/o/a/invitations/{pk}/withdraw/")
    assert Client().get(second).status_code == 410
    assert Client().get(second[:-2] + "x/").status_code == 410


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"email": "nonsense", "role": "viewer"}, "E-mail address: Enter a valid email address."),
        ({"email": "", "role": "viewer"}, "E-mail address: This field is required."),
        ({"email": "x@example.com", "role": "king"}, "Role: Select a valid choice."),
        ({"email": "BOB@example.com", "role": "viewer"}, "E-mail address: bob@example.com is a member already."),
        ({"email": "x\0@example.com", "role": "viewer"}, "E-mail address: Null characters are not allowed."),
    ],
)
def test_a_bad_invitation_names_the_field(people: People, form: dict[str, str], words: str) -> None:
    response = people.client("alice").post("/o/a/members/", form)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not mail.outbox


def test_a_mail_that_fails_is_said(people: People, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_PORT = 1  # type: ignore[attr-defined]
    form = {"email": "x@example.com", "role": "viewer"}
    assert b"could not be sent" in people.client("alice").post("/o/a/members/", form, follow=True).content


def test_an_owner_changes_members_but_not_the_last_owner(people: People) -> None:
    client = people.client("alice")
    bob, alice = Membership.objects.get(user=people.bob), Membership.objects.get(user=people.alice)
    assert b"now Operator" in client.post(f"/o/a/members/{bob.pk}/role/", {"role": "operator"}, follow=True).content
    bad = client.post(f"/o/a/members/{bob.pk}/role/", {"role": "king"}, follow=True)
    assert b"Role: Select a valid choice" in bad.content
    assert b"no access any more" in client.post(f"/o/a/members/{bob.pk}/deactivate/", follow=True).content
    assert people.client("bob").get("/o/a/").status_code == 404
    client.post(f"/o/a/members/{bob.pk}/reactivate/")
    assert people.client("bob").get("/o/a/").status_code == 200
    assert b"no longer a member" in client.post(f"/o/a/members/{bob.pk}/remove/", follow=True).content
    for verb in ("role", "deactivate", "remove"):
        answer = client.post(f"/o/a/members/{alice.pk}/{verb}/", {"role": "viewer"}, follow=True)
        assert b"last active owner" in answer.content


def test_a_token_is_shown_once(people: People) -> None:
    client = people.client("alice")
    assert b"No tokens yet" in client.get("/o/a/tokens/").content
    form = {"name": "robot", "permissions": ["sites.view"], "expires_at": "2099-12-31", "allowed_networks": ""}
    made = client.post("/o/a/tokens/new/", form)
    text = re.search(r"flx_[0-9a-f]{16}\.[\w-]{43}", made.content.decode())
    assert text
    assert made["Cache-Control"] == "no-store"
    assert services.authenticate_token(text[0], None).may("sites.view")
    listed = client.get("/o/a/tokens/").content.decode()
    assert "robot" in listed
    assert text[0] not in listed


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Name: This field is required."),
        ("permissions", [], "Permissions: This field is required."),
        ("permissions", ["members.manage"], "Permissions: Select a valid choice."),
        ("expires_at", "2020-01-01", "Last day: The last day must be today or later."),
        ("expires_at", "soon", "Last day: Enter a valid date."),
        ("allowed_networks", "192.0.2.1/24", "Networks: 192.0.2.1/24 is not a network"),
    ],
)
def test_a_bad_token_names_the_field(people: People, field: str, value: object, words: str) -> None:
    form = {"name": "robot", "permissions": ["sites.view"], field: value}
    response = people.client("alice").post("/o/a/tokens/new/", form)
    assert response.status_code == 422
    assert words in response.content.decode()
    with organization_scope(people.a):
        assert not ApiToken.objects.exists()


def fill(people: People, count: int) -> None:
    with audit.acting(people.alice, Door.PORTAL):
        for number in range(count):
            MembershipFactory(organization=people.a, user=UserFactory())
            email = f"new{number}@example.com"
            services.invite_member(organization=people.a, email=email, role=Role.VIEWER, created_by=people.alice)
            permission = ["sites.view"]
            services.create_token(
                organization=people.a, created_by=people.alice, name=f"{number}", permissions=permission
            )


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("page", "queries"), [("members", MEMBERS_QUERIES), ("tokens", TOKENS_QUERIES), ("audit", AUDIT_QUERIES)]
)
def test_a_list_asks_no_more_for_more_rows(
    people: People, page: str, queries: int, count: int, django_assert_num_queries: object
) -> None:
    fill(people, count)
    client = people.client("alice")
    with django_assert_num_queries(queries):  # type: ignore[operator]
        assert client.get(f"/o/a/{page}/").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"actor": "ALICE"}, True),
        ({"actor": "bob"}, False),
        ({"door": "portal"}, True),
        ({"door": "api"}, False),
        ({"action": "token"}, True),
        ({"object": "accounts.apitoken"}, True),
        ({"object": "nothing"}, False),
        ({"since": "2020-01-01", "until": "2099-12-31"}, True),
        ({"until": "2020-01-01"}, False),
        ({"since": "nonsense"}, False),
        ({"page": "999"}, True),
        ({"page": "x"}, True),
    ],
)
def test_the_audit_is_filtered(people: People, wanted: dict[str, str], found: bool) -> None:
    fill(people, 1)
    content = people.client("alice").get("/o/a/audit/", wanted).content.decode()
    assert ("token.create" in content) == found
    assert found or "No event fits" in content


def test_the_audit_is_paged_newest_first(people: People) -> None:
    with audit.acting("test", Door.TASK):
        for number in range(101):
            audit.record(organization=people.a, action=f"test.n{number}", instance=people.bob)
    first = people.client("alice").get("/o/a/audit/?actor=test").content.decode()
    assert first.index("test.n100") < first.index("test.n99")
    assert 'href="?actor=test&amp;page=2"' in first
    assert "test.n0<" in people.client("alice").get("/o/a/audit/?actor=test&page=2").content.decode()


def test_an_empty_audit_says_so(people: People) -> None:
    assert b"Nothing was recorded yet" in people.client("alice").get("/o/a/audit/").content


def test_navigation_follows_the_role(people: People) -> None:
    assert b"/o/a/audit/" in people.client("alice").get("/o/a/").content
    viewer = people.client("bob").get("/o/a/").content
    for hidden in (b"/o/a/audit/", b"/o/a/members/", b"/o/a/tokens/", b"/admin/"):
        assert hidden not in viewer


def test_a_user_of_several_organizations_switches(people: People) -> None:
    MembershipFactory(user=people.alice, organization=people.b, role=Role.VIEWER)
    client = people.client("alice")
    assert b"change" in client.get("/o/a/").content
    chosen = client.get("/").content
    assert b"/o/a/" in chosen
    assert b"/o/b/" in chosen
    assert b"/o/b/members/" not in client.get("/o/b/").content


def test_the_own_password_is_changed_and_other_sessions_end(people: People) -> None:
    client, other = people.client("bob"), people.client("bob")
    form = {
        "old_password": PASSWORD,
        "new_password1": "another long sentence",
        "new_password2": "another long sentence",
    }
    wrong = client.post("/account/password/", {**form, "old_password": "x"})
    assert b"Old password: Your old password was entered incorrectly" in wrong.content
    assert client.post("/account/password/", form)["Location"] == "/account/"
    assert client.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302
    with scopes_disabled():
        event = AuditEvent.objects.get(action="user.password")
    assert (event.user, event.organization, event.after) == (people.bob, people.a, None)


def test_an_address_gets_few_mails_an_hour(people: People) -> None:
    client = Client()

    def ask(email: str) -> int:
        assert client.post("/password-reset/", {"email": email})["Location"] == "/password-reset/sent/"
        return len(mail.outbox)

    assert [ask(email) for email in ("bob@example.com", "BOB@example.com", "bob@example.com")] == [1, 2, 3]
    assert ask("bob@example.com") == 3
    assert ask("alice@example.com") == 4
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert ask("bob@example.com") == 5


def test_a_password_is_reset_by_mail(people: People) -> None:
    client = Client()
    for email in ("bob@example.com", "nobody@example.com"):
        assert client.post("/password-reset/", {"email": email})["Location"] == "/password-reset/sent/"
    assert [sent.to for sent in mail.outbox] == [["bob@example.com"]]
    link = re.search(r"http://testserver(\S+)", str(mail.outbox[0].body))
    assert link
    form = {"new_password1": "another long sentence", "new_password2": "another long sentence"}
    page = client.get(link[1], follow=True)
    target = page.redirect_chain[-1][0]
    assert b"New password" in page.content
    assert client.post(target, form)["Location"] == "/password-reset/done/"
    assert User.objects.get(pk=people.bob.pk).check_password("another long sentence")
    assert b"expired" in Client().get(link[1], follow=True).content
    with scopes_disabled():
        assert AuditEvent.objects.get(action="user.password_reset").user == people.bob
