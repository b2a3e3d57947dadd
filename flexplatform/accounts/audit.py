"""Who acts, through which door; and the record of what was done."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from flexplatform.accounts.models import ApiToken, AuditEvent, Door, Organization, User

SECRET_FIELDS = frozenset({"password", "digest"})
LABEL_LENGTH = 200

Actor = User | ApiToken | str


class NoActorError(RuntimeError):
    """A write outside of `acting`: nobody could be held to account for it."""


@dataclass(frozen=True)
class Acting:
    """The actor of the writes that follow; a name stands for the platform's own programs."""

    actor: Actor
    door: Door
    ip: str | None = None

    @property
    def user(self) -> User | None:
        """The acting user, if it is one."""
        return self.actor if isinstance(self.actor, User) else None

    @property
    def token(self) -> ApiToken | None:
        """The acting token, if it is one."""
        return self.actor if isinstance(self.actor, ApiToken) else None


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


@contextmanager
def acting(actor: Actor, door: Door, ip: str | None = None) -> Iterator[Acting]:
    """Hold `actor` to account for the writes inside the context.

    Raises:
        ValueError: for nobody, such as an anonymous user.
    """
    if isinstance(actor, str):
        known = bool(actor.strip())
    else:
        known = isinstance(actor, User | ApiToken) and actor.pk is not None
    if not known:
        raise ValueError("An actor is a stored user, a stored token, or the name of a program.")
    before = _acting.set(Acting(actor, door, ip))
    try:
        yield current()
    finally:
        _acting.reset(before)


def current() -> Acting:
    """Return who acts.

    Raises:
        NoActorError: outside of `acting`.
    """
    found = _acting.get()
    if found is None:
        raise NoActorError("A write needs an actor: enter audit.acting(actor, door) first.")
    return found


def snapshot(instance: models.Model) -> dict[str, Any]:
    """Return the instance's own columns but secrets and binary series, as an event stores them."""
    return {
        field.attname: field.value_from_object(instance)
        for field in instance._meta.concrete_fields
        if field.name not in SECRET_FIELDS and not isinstance(field, models.BinaryField | models.FileField)
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both sides reduced to the columns that differ."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def record(
    *,
    organization: Organization | None,
    action: str,
    instance: models.Model,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    """Store what the current actor did to `instance`; called inside the transaction of the write.

    Raises:
        NoActorError: outside of `acting`.
        TransactionManagementError: outside of a transaction.
    """
    return record_many(organization=organization, action=action, rows=[(instance, before, after)])[0]


def record_many(
    *,
    organization: Organization | None,
    action: str,
    rows: Iterable[tuple[models.Model, dict[str, Any] | None, dict[str, Any] | None]],
) -> list[AuditEvent]:
    """Store one event per `(instance, before, after)` by few statements, for bulk writes; raises as `record`."""
    who = current()
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An audit event belongs into the transaction of its write.")
    events = [
        AuditEvent(
            organization=organization,
            user=who.user,
            token=who.token,
            actor_label=_label(who.actor),
            door=who.door,
            action=action,
            object_type=instance._meta.label_lower,
            object_id=str(instance.pk),
            object_label=_label(instance),
            before=before,
            after=after,
            ip=who.ip,
        )
        for instance, before, after in rows
    ]
    return AuditEvent.objects.bulk_create(events, batch_size=500)


def record_of_person(
    *, person: User, action: str, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> list[AuditEvent]:
    """Store what was done to a person's account where the owners of each organization of the person see it.

    What concerns nobody's member stays a record of the platform. Raises as `record`.
    """
    organizations: list[Organization | None] = list(Organization.objects.filter(memberships__user=person))
    return [
        record(organization=organization, action=action, instance=person, before=before, after=after)
        for organization in organizations or [None]
    ]


def _label(value: object) -> str:
    return str(value).replace("\0", "")[:LABEL_LENGTH]
