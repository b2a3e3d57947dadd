"""What every row of this app checks before it is written: errors name the field, the value and what is allowed."""

import math
from collections.abc import Collection, Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist, ObjectDoesNotExist, ValidationError
from django.db import models


class Checked(models.Model):
    """A tenant's row; refers to rows of its own organization only."""

    class Meta:
        abstract = True

    @property
    def tenant_id(self) -> int | None:
        """The id of the organization that the row belongs to; None while that is not known."""
        owner: int | None = self.organization_id  # type: ignore[attr-defined]
        return owner

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Check each field alone; a wrong choice is told what the choices are."""
        found: dict[str, list[ValidationError]] = {}
        try:
            super().clean_fields(exclude=exclude)
        except ValidationError as error:
            found = {name: list(self._explained(name, errors)) for name, errors in error.error_dict.items()}
        for field in self._meta.concrete_fields:
            value = getattr(self, field.attname)
            if field.name in found or field.name in set(exclude or ()):
                continue
            # SQLite stores not-a-number as NULL, and PostgreSQL refuses the character 0 with an error of its own.
            if isinstance(value, float) and not math.isfinite(value):
                found[field.name] = [ValidationError(f"{field.name} is {value}; allowed: a finite number.")]
            elif isinstance(value, str) and "\0" in value:
                found[field.name] = [ValidationError(f"{field.name} contains the character 0; allowed: text.")]
        if found:
            raise ValidationError(found)

    def clean(self) -> None:
        """Refuse rows of other organizations."""
        super().clean()
        if self.tenant_id is None:
            return
        foreign = {
            field.name: f"{related} belongs to another organization."
            for field in self._meta.concrete_fields
            if (related := self._related(field)) is not None and related.tenant_id != self.tenant_id
        }
        if foreign:
            raise ValidationError(foreign)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Check the table's constraints; what is wrong is said of the field that is wrong."""
        errors: dict[str, list[ValidationError]] = {}
        for model, constraints in self.get_constraints():
            for constraint in constraints:
                try:
                    constraint.validate(model, self, exclude=set(exclude or ()))
                except ValidationError as error:
                    name = next((each for each in _fields(constraint) if self._has(each, exclude)), NON_FIELD_ERRORS)
                    shown = "" if name == NON_FIELD_ERRORS else f" Given: {getattr(self, name)}."
                    errors.setdefault(name, []).extend(
                        ValidationError(f"{message}{shown}", code=error.code) for message in error.messages
                    )
        if errors:
            raise ValidationError(errors)

    def _explained(self, name: str, errors: list[ValidationError]) -> Iterator[ValidationError]:
        for error in errors:
            choices = getattr(self._meta.get_field(name), "choices", None)
            if error.code == "invalid_choice" and choices:
                allowed = ", ".join(str(value) for value, _ in choices)
                yield ValidationError(f"{' '.join(error.messages)} Allowed: {allowed}.", code=error.code)
            else:
                yield error

    def _related(self, field: "models.Field[Any, Any]") -> "Checked | None":
        if not isinstance(field, models.ForeignKey) or getattr(self, field.attname) is None:
            return None
        try:
            related = getattr(self, field.name)
        except ObjectDoesNotExist:
            return None
        return related if isinstance(related, Checked) else None

    def _has(self, name: str, exclude: Collection[str] | None) -> bool:
        try:
            self._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        return name not in set(exclude or ())


def _fields(constraint: models.BaseConstraint) -> Iterator[str]:
    """Yield the fields that a constraint is about, the one to be named first."""
    if isinstance(constraint, models.UniqueConstraint):
        yield from reversed(constraint.fields)
    if isinstance(constraint, models.CheckConstraint):
        yield from _fields_of(constraint.condition)


def _fields_of(condition: Any) -> Iterator[str]:
    for child in condition.children if isinstance(condition, models.Q) else ():
        if isinstance(child, models.Q):
            yield from _fields_of(child)
        elif isinstance(child, tuple):
            yield str(child[0]).split("__")[0]
