import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from flexplatform.accounts import audit, services
from flexplatform.accounts.models import AuditEvent, Door, Membership
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import MembershipFactory, UserFactory


def membership(user: object) -> Membership:
    return Membership.objects.get(user=user)


@pytest.mark.parametrize(
    "change",
    [
        lambda member: services.remove_member(membership=member),
        lambda member: services.deactivate_member(membership=member),
        lambda member: services.change_role(membership=member, role=Role.VIEWER),
    ],
    ids=["remove", "deactivate", "demote"],
)
def test_the_last_active_owner_stays(as_alice: People, change: object) -> None:
    members = Membership.objects.filter(organization=as_alice.a)
    MembershipFactory(organization=as_alice.a, user=UserFactory(), role=Role.OWNER, is_active=False)
    MembershipFactory(organization=as_alice.a, user=UserFactory(is_active=False), role=Role.OWNER)
    before = sorted(members.values_list("pk", "role", "is_active"))
    with pytest.raises(ValidationError, match="last active owner"):
        change(membership(as_alice.alice))  # type: ignore[operator]
    assert sorted(members.values_list("pk", "role", "is_active")) == before
    Membership.objects.filter(user=as_alice.bob).update(role=Role.OWNER)
    change(membership(as_alice.alice))  # type: ignore[operator]


def test_changes_are_audited_with_what_was_and_is(as_alice: People) -> None:
    bob = membership(as_alice.bob)
    services.change_role(membership=bob, role=Role.OPERATOR)
    services.change_role(membership=bob, role=Role.OPERATOR)
    services.deactivate_member(membership=bob)
    services.reactivate_member(membership=bob)
    services.remove_member(membership=bob)
    with organization_scope(as_alice.a):
        events = list(AuditEvent.objects.order_by("pk"))
    actions = ["member.role", "member.deactivate", "member.reactivate", "member.remove"]
    assert [event.action for event in events] == actions
    assert (events[0].before, events[0].after) == ({"role": "viewer"}, {"role": "operator"})
    assert {event.user for event in events} == {as_alice.alice}


def test_a_service_without_actor_writes_nothing(people: People) -> None:
    with pytest.raises(audit.NoActorError):
        services.change_role(membership=membership(people.bob), role=Role.OPERATOR)
    assert membership(people.bob).role == Role.VIEWER


def test_an_unknown_role_is_refused(as_alice: People) -> None:
    with pytest.raises(ValidationError, match="no role"):
        services.change_role(membership=membership(as_alice.bob), role="king")


def test_a_user_has_a_role_in_each_organization(as_alice: People) -> None:
    services.add_member(organization=as_alice.b, user=as_alice.bob, role=Role.OWNER)
    assert {found.role for found in Membership.objects.filter(user=as_alice.bob)} == {Role.VIEWER, Role.OWNER}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, in tests even without waiting")
@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_remove_each_other_at_once(people: People) -> None:
    Membership.objects.filter(user=people.bob).update(role=Role.OWNER)
    refused: list[str] = []
    together = threading.Barrier(2)

    def remove(user: object) -> None:
        member = membership(user)
        together.wait()
        try:
            with audit.acting("test", Door.TASK):
                services.remove_member(membership=member)
        except ValidationError as error:
            refused.extend(error.messages)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(user,)) for user in (people.alice, people.bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert Membership.objects.filter(organization=people.a, role=Role.OWNER).count() == 1
