import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django_scopes import ScopeError, scopes_disabled

from flexplatform.accounts import audit
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People


def event(people: People) -> AuditEvent:
    with audit.acting(people.alice, Door.PORTAL, "192.0.2.1"):
        return audit.record(organization=people.a, action="test", instance=people.bob, after={"x": 1})


def test_an_event_says_who_did_what_through_which_door(people: People) -> None:
    event(people)
    with organization_scope(people.a):
        stored = AuditEvent.objects.get()
    assert (stored.user, stored.token, stored.door, stored.ip) == (people.alice, None, "portal", "192.0.2.1")
    assert (stored.object_type, stored.object_id) == ("accounts.user", str(people.bob.pk))
    assert (stored.actor_label, stored.object_label) == ("alice@example.com", "bob@example.com")
    assert (stored.before, stored.after) == (None, {"x": 1})


def test_the_events_of_others_are_out_of_scope(people: People) -> None:
    event(people)
    with organization_scope(people.b):
        assert not AuditEvent.objects.exists()
    with pytest.raises(ScopeError):
        AuditEvent.objects.count()


def test_a_write_without_actor_is_a_bug(people: People) -> None:
    with pytest.raises(audit.NoActorError):
        audit.record(organization=people.a, action="test", instance=people.bob)


@pytest.mark.parametrize("nobody", ["", "  ", None])
def test_nobody_cannot_act(nobody: str) -> None:
    with pytest.raises(ValueError, match="actor"), audit.acting(nobody, Door.TASK):
        pass


def test_the_actor_ends_with_the_context(people: People) -> None:
    with audit.acting("beat", Door.TASK), audit.acting(people.bob, Door.API):
        assert audit.current().user == people.bob
    with pytest.raises(audit.NoActorError):
        audit.current()


@pytest.mark.django_db(transaction=True)
def test_an_event_needs_a_transaction(people: People) -> None:
    with audit.acting("beat", Door.TASK), pytest.raises(transaction.TransactionManagementError):
        audit.record(organization=people.a, action="test", instance=people.bob)


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_auditevent SET action = 'other'", "DELETE FROM accounts_auditevent"]
)
def test_the_database_refuses_to_change_the_past(people: People, statement: str) -> None:
    event(people)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with scopes_disabled():
        assert AuditEvent.objects.get().action == "test"


def test_the_orm_cannot_change_the_past_either(people: People) -> None:
    stored = event(people)
    for change in (stored.save, stored.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_the_database_refuses_to_truncate(people: People) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_auditevent")


def test_who_and_what_events_name_cannot_be_deleted(people: People) -> None:
    event(people)
    with scopes_disabled():
        for row in (people.a, people.alice):
            with pytest.raises(ProtectedError):
                row.delete()


def test_snapshots_hold_no_secrets(people: People) -> None:
    taken = audit.snapshot(people.alice)
    assert "password" not in taken
    assert taken["email"] == "alice@example.com"
    assert audit.changed({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ({"b": 2}, {"b": 3})
