from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from flexplatform.accounts import audit, permissions
from flexplatform.accounts.models import ApiToken, AuditEvent, Door, Membership
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services import authenticate_token, create_token, revoke_token
from flexplatform.accounts.services.tokens import TokenRefusedError
from tests.conftest import People

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def make(people: People, **values: object) -> tuple[ApiToken, str]:
    arguments = {"organization": people.a, "created_by": people.alice, "name": "robot"}
    return create_token(**{**arguments, "permissions": [permissions.VIEW_SITES], **values})  # type: ignore[arg-type]


def refusal(text: str, ip: str | None = None) -> TokenRefusedError:
    with pytest.raises(TokenRefusedError) as caught:
        authenticate_token(text, ip)
    return caught.value


def test_a_token_opens_its_organization_and_its_secret_is_not_stored(as_alice: People) -> None:
    token, text = make(as_alice)
    found = authenticate_token(text, None)
    assert (found, found.organization, found.granted) == (token, as_alice.a, {permissions.VIEW_SITES})
    assert found.may(permissions.VIEW_SITES)
    assert not found.may(permissions.VIEW_OFFERS)
    secret = text.partition(".")[2]
    with organization_scope(as_alice.a):
        row = ApiToken.objects.values().get()
        event = AuditEvent.objects.values().get(action="token.create")
    assert secret not in str(row)
    assert secret not in str(event)
    assert row["digest"] not in str(event)


def test_a_digest_is_worthless_without_the_pepper(as_alice: People) -> None:
    _, text = make(as_alice)
    with override_settings(API_TOKEN_PEPPER="another"):
        assert refusal(text).reason == "unknown"


@pytest.mark.parametrize("text", ["", "flx_", "flx_0123456789abcdef.x", "Bearer", "flx_\0", "é" * 65])
def test_nonsense_is_unknown(as_alice: People, text: str) -> None:
    assert refusal(text).reason == "unknown"


def test_a_wrong_secret_reads_like_an_unknown_key(as_alice: People) -> None:
    _, text = make(as_alice)
    wrong = text[:-43] + "A" * 43
    unknown = "flx_" + "0" * 16 + "." + "A" * 43
    assert str(refusal(wrong)) == str(refusal(unknown))
    assert refusal(wrong).reason == refusal(unknown).reason == "unknown"
    with CaptureQueriesContext(connection) as one:
        refusal(wrong)
    with CaptureQueriesContext(connection) as other:
        refusal(unknown)
    assert len(one) == len(other)


def test_revoked_and_expired_tokens_open_nothing(as_alice: People) -> None:
    token, text = make(as_alice)
    revoke_token(token=token)
    revoke_token(token=token)
    assert refusal(text).reason == "revoked"
    with organization_scope(as_alice.a):
        assert AuditEvent.objects.filter(action="token.revoke").count() == 1
    _, short = make(as_alice, expires_at=timezone.now() + timedelta(hours=1))
    assert authenticate_token(short, None)
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        assert refusal(short).reason == "expired"


def test_a_token_works_from_its_networks_only(as_alice: People) -> None:
    _, text = make(as_alice, allowed_networks=["192.0.2.0/24", "2001:db8::/32"])
    for ip in ("192.0.2.77", "2001:db8::1", "::ffff:192.0.2.1"):
        assert authenticate_token(text, ip)
    for outside in ("198.51.100.1", "2001:db9::1", None, "nonsense"):
        assert refusal(text, outside).reason == "network"


def test_a_token_never_does_more_than_its_creator_may_now(as_alice: People) -> None:
    _, text = make(as_alice, permissions=[permissions.VIEW_SITES, permissions.CHANGE_SITES])
    membership = Membership.objects.get(user=as_alice.alice)
    Membership.objects.filter(pk=membership.pk).update(role=Role.VIEWER)
    assert authenticate_token(text, None).granted == {permissions.VIEW_SITES}
    Membership.objects.filter(pk=membership.pk).update(is_active=False)
    assert refusal(text).reason == "creator"
    Membership.objects.filter(pk=membership.pk).update(is_active=True)
    as_alice.alice.is_active = False
    as_alice.alice.save()
    assert refusal(text).reason == "creator"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("permissions", {"permissions": [permissions.RUN_SCHEDULES], "created_by": "bob"}),
        ("permissions", {"permissions": [permissions.MANAGE_MEMBERS]}),
        ("permissions", {"permissions": ["nonsense"]}),
        ("permissions", {"permissions": []}),
        ("created_by", {"created_by": "charlie"}),
        ("name", {"name": " "}),
        ("expires_at", {"expires_at": NOW - timedelta(days=400)}),
        ("allowed_networks", {"allowed_networks": ["192.0.2.1/24"]}),
        ("allowed_networks", {"allowed_networks": [7]}),
    ],
)
def test_a_bad_token_is_refused_by_field(as_alice: People, field: str, values: dict[str, object]) -> None:
    if isinstance(name := values.get("created_by"), str):
        values = {**values, "created_by": getattr(as_alice, name)}
    with pytest.raises(ValidationError) as caught:
        make(as_alice, **values)
    assert set(caught.value.message_dict) == {field}
    with organization_scope(as_alice.a):
        assert not ApiToken.objects.exists()


def test_a_token_makes_no_token_that_does_more_than_itself(as_alice: People) -> None:
    _, text = make(as_alice, permissions=[permissions.USE_TOKENS, permissions.VIEW_SITES])
    maker = authenticate_token(text, None)
    with audit.acting(maker, Door.API):
        assert make(as_alice, permissions=[permissions.VIEW_SITES])
        with pytest.raises(ValidationError, match="cannot do more"):
            make(as_alice, permissions=[permissions.CHANGE_SITES])
    with organization_scope(as_alice.a):
        assert AuditEvent.objects.filter(token=maker, user=None, door="api").count() == 1


def test_the_last_use_is_written_once_a_minute(as_alice: People) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        token, text = make(as_alice)
        uses = []
        for seconds in (0, 30, 40):
            clock.shift(seconds)
            authenticate_token(text, None)
            with organization_scope(as_alice.a):
                uses.append(ApiToken.objects.get(pk=token.pk).last_used_at)
    assert uses == [NOW, NOW, NOW + timedelta(seconds=70)]
