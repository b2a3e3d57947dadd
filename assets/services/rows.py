"""How a row of this app is written, whatever its table: values checked by field, one transaction, one audit event."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.text import get_text_list

from assets.models import Checked
from assets.tables import PARTS, Parts, editable_fields
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization

Values = Mapping[str, Any]
Row = TypeVar("Row", bound=Checked)
NAMED_USERS = 5


@transaction.atomic
def create(row: Row, values: Values, organization: Organization) -> Row:
    """Store a new row with `values`, and its parts.

    Raises:
        ValidationError: by field.
    """
    save(row, values, organization)
    audit.record(organization=organization, action=action(row, "create"), instance=row, after=state(row))
    return row


@transaction.atomic
def update(row: Row, values: Values, organization: Organization) -> Row:
    """Change a stored row, and its parts where `values` has them; the row as it is stored now is returned.

    Raises:
        ValidationError: by field.
    """
    stored = locked(row)
    before = state(stored)
    save(stored, values, organization)
    was, now = audit.changed(before, state(stored))
    if now:
        audit.record(organization=organization, action=action(row, "change"), instance=stored, before=was, after=now)
    return stored


@transaction.atomic
def delete(row: Checked, organization: Organization) -> None:
    """Delete a row and what belongs to it.

    Raises:
        ValidationError: names the rows that still need it.
    """
    stored = locked(row)
    before = state(stored)
    name = action(row, "delete")
    pk = stored.pk
    try:
        stored.delete()
    except models.ProtectedError as error:
        raise ValidationError(_still_needed(stored, sorted(map(str, error.protected_objects)))) from error
    except models.RestrictedError as error:
        raise ValidationError(_still_needed(stored, sorted(map(str, error.restricted_objects)))) from error
    stored.pk = pk
    audit.record(organization=organization, action=name, instance=stored, before=before)


def save(row: Row, values: Values, organization: Organization) -> None:
    """Check `values`, put them into the row and store it with its parts, without an audit event.

    Raises:
        ValidationError: by field.
    """
    parts = PARTS.get(type(row))
    own = {name: value for name, value in values.items() if not parts or name != parts.name}
    fill(row, own, organization)
    row.full_clean()
    rows: list[Checked] | None = None
    if parts and parts.name in values:
        rows = _built_parts(parts, row, values[parts.name], organization)
    if row.pk is None or _differs(row):
        row.save()
    if parts and rows is not None:
        _replace(parts, row, rows)


def fill(row: Checked, values: Values, organization: Organization, *, prefix: str = "") -> None:
    """Put `values` into an unsaved or stored row; references are looked up among the organization's rows.

    Raises:
        ValidationError: for a name that is no field, or a reference to what does not exist there.
    """
    allowed = editable_fields(type(row))
    errors: dict[str, str] = {}
    for name, value in values.items():
        if name not in allowed:
            parts = PARTS.get(type(row))
            names = [*allowed, *([parts.name] if parts else [])]
            errors[f"{prefix}{name}"] = f"{name} is no field here; allowed: {', '.join(names)}."
        elif isinstance(field := allowed[name], models.ForeignKey):
            try:
                setattr(row, name, _referred(field, value, organization))
            except LookupError as error:
                errors[f"{prefix}{name}"] = str(error.args[0])
        else:
            setattr(row, name, value)
    if errors:
        raise ValidationError(errors)


def locked(row: Row) -> Row:
    """Return the row as it is stored now, held until the end of the transaction.

    Raises:
        ValidationError: where it is gone, or not in scope.
    """
    found: Row | None = type(row)._default_manager.select_for_update(of=("self",)).filter(pk=row.pk).first()
    if found is None:
        raise ValidationError(f"{row._meta.verbose_name} {row.pk} does not exist any more.")
    return found


def state(row: Checked) -> dict[str, Any]:
    """Return what an audit event stores of a row: its columns, and its parts."""
    parts = PARTS.get(type(row))
    found = audit.snapshot(row)
    if parts:
        found[parts.name] = [_columns(part, parts) for part in _stored_parts(parts, row)]
    return found


def action(row: Checked, verb: str) -> str:
    """Return the name of what is done, such as `site.change`."""
    return f"{row._meta.model_name}.{verb}"


def _differs(row: Checked) -> bool:
    before = type(row)._default_manager.filter(pk=row.pk).first()
    return before is None or audit.snapshot(before) != audit.snapshot(row)


def _referred(field: "models.ForeignKey[Any, Any]", value: Any, organization: Organization) -> Checked | None:
    model = field.remote_field.model
    if value is None or value == "":
        return None
    if isinstance(value, Checked):
        found: Any = value if isinstance(value, model) and value.tenant_id == organization.pk else None
        value = value.pk
    else:
        key = str(value)
        rows = model._default_manager.filter(pk=int(key)) if key.isascii() and key.isdigit() else None
        found = rows.first() if rows is not None else None
        found = found if found is not None and found.tenant_id == organization.pk else None
    if found is None:
        kind = model._meta.verbose_name
        raise LookupError(f"{field.name} is {value}; allowed: the id of a {kind} of {organization.name}.")
    return found


def _built_parts(parts: Parts, owner: Checked, values: Any, organization: Organization) -> list[Checked]:
    if not isinstance(values, Sequence) or not all(isinstance(each, Mapping) for each in values):
        raise ValidationError({parts.name: f"{parts.name} is {values!r}; allowed: a list of objects."})
    rows: list[Checked] = []
    for index, each in enumerate(values):
        row = parts.model(**{parts.owner: owner})
        prefix = f"{parts.name}[{index}]."
        own = {name: value for name, value in each.items() if name != "id"}
        if parts.owner in own:
            raise ValidationError({f"{prefix}{parts.owner}": f"{parts.owner} is no field here."})
        fill(row, own, organization, prefix=prefix)
        try:
            row.full_clean(exclude={parts.owner})
        except ValidationError as error:
            raise ValidationError({f"{prefix}{name}": found for name, found in error.message_dict.items()}) from error
        rows.append(row)
    return rows


def _replace(parts: Parts, owner: Checked, rows: list[Checked]) -> None:
    stored = list(_stored_parts(parts, owner))
    if [_columns(each, parts) for each in stored] == [_columns(each, parts) for each in rows]:
        return
    for each in stored:
        each.delete()
    for each in rows:
        setattr(each, parts.owner, owner)
        each.save()


def _stored_parts(parts: Parts, owner: Checked) -> Any:
    return parts.model._default_manager.filter(**{parts.owner: owner.pk}).order_by("pk")


def _columns(row: Checked, parts: Parts) -> dict[str, Any]:
    return {name: value for name, value in audit.snapshot(row).items() if name not in {"id", f"{parts.owner}_id"}}


def _still_needed(row: Checked, users: list[str]) -> str:
    more = [f"{len(users) - NAMED_USERS} more"] if len(users) > NAMED_USERS else []
    return f"{row} is still used by {get_text_list([*users[:NAMED_USERS], *more], 'and')}."
