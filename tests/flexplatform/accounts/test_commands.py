from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django_scopes import scopes_disabled

from flexplatform.accounts.models import ApiToken, AuditEvent, Membership, Organization
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services import TokenRefusedError, authenticate_token
from tests.conftest import People
from tests.factories import PASSWORD


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


def test_a_token_is_made_listed_and_revoked(people: People) -> None:
    made = ["token", "create", "a", "--user", "alice@example.com", "--name", "robot"]
    text = run(*made, "--permission", "sites.view", "--days", "7", "--network", "192.0.2.0/24")
    token = authenticate_token(text, "192.0.2.1")
    listed = run("token", "list", "a")
    assert f"flx_{token.key}  active" in listed
    assert text not in listed
    assert run("token", "list", "b") == ""
    with pytest.raises(CommandError, match="no token"):
        run("token", "revoke", "b", f"flx_{token.key}")
    run("token", "revoke", "a", f"flx_{token.key}")
    with pytest.raises(TokenRefusedError, match="revoked"):
        authenticate_token(text, "192.0.2.1")
    with organization_scope(people.a):
        events = AuditEvent.objects.order_by("pk")
        assert [(event.action, event.door) for event in events] == [
            ("token.create", "command"),
            ("token.revoke", "command"),
        ]
        assert events[0].actor_label.endswith("command line")


def test_an_organization_gets_its_owner_and_members(people: People) -> None:
    run("organization", "create", "c", "--name", "C", "--owner", "Dave@example.com")
    run("member", "add", "c", "bob@example.com", "--role", "operator")
    roles = Membership.objects.filter(organization__slug="c").values_list("user__email", "role")
    assert set(roles) == {("dave@example.com", Role.OWNER), ("bob@example.com", Role.OPERATOR)}


def test_what_django_does_to_users_on_the_command_line_is_recorded(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("createsuperuser", "--noinput", "--email", "erin@example.com")
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    run("changepassword", "bob@example.com")
    with pytest.raises(CommandError, match="does not exist"):
        run("changepassword", "nobody@example.com")
    with scopes_disabled():
        events = AuditEvent.objects.order_by("pk").values_list("action", "object_label", "organization", "door")
        assert list(events) == [
            ("user.create", "erin@example.com", None, "command"),
            ("user.password", "bob@example.com", people.a.pk, "command"),
        ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["organization", "create", "a", "--name", "Again"], "slug: "),
        (["organization", "create", "c", "--name", "C", "--time-zone", "Mars"], "time_zone: "),
        (["organization", "create", "c", "--name", "C", "--owner", "x@example.com"], "user: there is no user"),
        (["member", "add", "a", "bob@example.com"], "email: bob@example.com is a member"),
        (["member", "add", "nowhere", "bob@example.com"], "organization: "),
        (["member", "add", "a", "dave@example.com", "--role", "king"], "role: "),
        (["token", "create", "a", "--user", "bob@example.com", "--name", "x"], "permissions: "),
        (["token", "create", "a", "--user", "charlie@example.com", "--name", "x"], "created_by: "),
        (["token", "create", "a", "--user", "bob@example.com", "--name", "x", "--days", "0"], "days: "),
    ],
)
def test_an_error_is_one_line_that_names_the_field(people: People, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
    assert Organization.objects.count() == 2
    with organization_scope(people.a):
        assert not ApiToken.objects.exists()
