"""Keys of providers: encrypted, never shown, of one organization only."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django_scopes import scopes_disabled

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door, Membership
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from forecasting.models import ProviderKey
from forecasting.services import delete_provider_key, set_provider_key
from forecasting.services.provider_keys import KeyUnreadableError, provider_key
from tests.conftest import People

SECRET = "0123-my-own-token"
PAGE, SET, DELETE = "/o/a/providers/", "/o/a/providers/keys/", "/o/a/providers/keys/delete/"


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        yield


def stored() -> list[bytes]:
    """Return what really lies in the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ciphertext FROM forecasting_providerkey ORDER BY id")
        return [bytes(row[0]) for row in cursor.fetchall()]


@pytest.mark.usefixtures("in_a")
def test_a_key_is_encrypted_in_the_table(people: People) -> None:
    set_provider_key(organization=people.a, provider="entsoe", key=f"  {SECRET}\n")
    (first,) = stored()
    assert SECRET.encode() not in first
    assert len(first) > 2 * len(SECRET)
    assert provider_key(people.a, "entsoe") == SECRET
    set_provider_key(organization=people.a, provider="entsoe", key=SECRET)
    assert stored() != [first], "the same key twice is not to be recognized"
    assert ProviderKey.objects.count() == 1


@pytest.mark.usefixtures("in_a")
def test_what_was_done_is_recorded_and_the_key_is_not(people: People) -> None:
    set_provider_key(organization=people.a, provider="entsoe", key=SECRET)
    delete_provider_key(organization=people.a, provider="entsoe")
    delete_provider_key(organization=people.a, provider="entsoe")
    events = AuditEvent.objects.filter(object_type="forecasting.providerkey").order_by("pk")
    assert [event.action for event in events] == ["providerkey.set", "providerkey.delete"]
    assert SECRET not in str(list(events.values()))
    assert "ciphertext" not in str(list(events.values()))
    assert provider_key(people.a, "entsoe") == ""


def test_an_organization_has_its_own_keys_and_a_copied_row_does_not_open(people: People) -> None:
    for organization, key in ((people.a, SECRET), (people.b, "of B")):
        with organization_scope(organization), acting("tests", Door.COMMAND):
            set_provider_key(organization=organization, provider="entsoe", key=key.replace(" ", "-"))
    with organization_scope(people.b):
        assert provider_key(people.b, "entsoe") == "of-B"
    with scopes_disabled():
        theirs = ProviderKey.objects.get(organization=people.a).ciphertext
        ProviderKey.objects.filter(organization=people.b).update(ciphertext=theirs)
    with organization_scope(people.b), pytest.raises(KeyUnreadableError, match="Enter it again") as raised:
        provider_key(people.b, "entsoe")
    assert raised.value.__suppress_context__


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize(
    ("provider", "key", "field"),
    [
        ("energy_charts", SECRET, "provider"),
        ("https://evil.example", SECRET, "provider"),
        ("entsoe", "", "key"),
        ("entsoe", "  ", "key"),
        ("entsoe", "x" * 201, "key"),
        ("entsoe", "two words", "key"),
        ("entsoe", "line\nbreak", "key"),
        ("entsoe", "schlüssel", "key"),
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(people: People, provider: str, key: str, field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        set_provider_key(organization=people.a, provider=provider, key=key)
    assert list(raised.value.message_dict) == [field]
    assert field == "provider" or not key.strip() or key not in str(raised.value)
    assert not ProviderKey.objects.exists()


def test_secrets_are_changed_one_after_the_other(people: People) -> None:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        with override_settings(PROVIDER_KEY_SECRETS=["old"]):
            set_provider_key(organization=people.a, provider="entsoe", key=SECRET)
        with override_settings(PROVIDER_KEY_SECRETS=["new", "old"]):
            assert provider_key(people.a, "entsoe") == SECRET
            out = StringIO()
            call_command("rotate_provider_keys", stdout=out)
            assert out.getvalue() == "1 keys are encrypted with the newest secret.\n"
        with override_settings(PROVIDER_KEY_SECRETS=["new"]):
            assert provider_key(people.a, "entsoe") == SECRET
        with override_settings(PROVIDER_KEY_SECRETS=["lost"]):
            with pytest.raises(KeyUnreadableError):
                provider_key(people.a, "entsoe")
            with pytest.raises(CommandError, match="Nothing was changed"):
                call_command("rotate_provider_keys")


def test_the_page_takes_a_key_and_never_shows_it(people: People) -> None:
    client = people.client("alice")
    assert client.post(SET, {"provider": "entsoe", "key": SECRET}).status_code == 302
    page = client.get(PAGE).content.decode()
    assert SECRET not in page
    assert "Key stored" in page
    wrong = client.post(SET, {"provider": "entsoe", "key": "two words"})
    assert wrong.status_code == 422
    assert "two words" not in wrong.content.decode()
    with organization_scope(people.a):
        assert provider_key(people.a, "entsoe") == SECRET
    assert client.post(DELETE, {"provider": "entsoe"}).status_code == 302
    with organization_scope(people.a):
        assert not ProviderKey.objects.exists()


def test_only_those_who_configure_may_change_keys_or_see_that_there_are_any(people: People) -> None:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        set_provider_key(organization=people.a, provider="entsoe", key=SECRET)
    may: dict[str, Any] = {}
    for role in Role:
        Membership.objects.filter(user=people.bob).update(role=role)
        client = people.client("bob")
        told = "Key stored" in client.get(PAGE).content.decode()
        done = client.post(SET, {"provider": "entsoe", "key": "other"}).status_code
        may[role] = (told, done)
    assert may == {
        Role.VIEWER: (False, 403),
        Role.OPERATOR: (False, 403),
        Role.ASSET_MANAGER: (True, 302),
        Role.AGGREGATOR: (False, 403),
        Role.OWNER: (True, 302),
    }
    assert people.client("charlie").post(SET, {"provider": "entsoe", "key": "theirs"}).status_code == 404


def test_keys_are_no_part_of_the_api(people: People) -> None:
    from drf_spectacular.generators import SchemaGenerator

    described = str(SchemaGenerator().get_schema(request=None, public=True))
    assert "/api/v1/price-feeds/" in described
    assert "ciphertext" not in described
    assert "provider-keys" not in described
