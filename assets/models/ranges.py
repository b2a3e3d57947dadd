"""Number ranges that hold in forms and in the database alike."""

import math
import operator
from collections.abc import Callable, Collection, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

LARGEST = 1e9
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le}


class Range(models.CheckConstraint):
    """A check of plain comparisons: the database holds it, and forms and files need not ask the database about it."""

    def deconstruct(self) -> Any:
        """Return what migrations store, which is the check itself."""
        _path, args, kwargs = super().deconstruct()
        return "django.db.models.CheckConstraint", args, kwargs

    def validate(
        self, model: Any, instance: Any, exclude: Collection[str] | None = None, using: str = "default"
    ) -> None:
        """Refuse a row outside of the range; as in the database, an empty column is within."""
        for value, holds, limit in self._compared(instance, exclude or ()):
            if value is not None and limit is not None and not holds(value, limit):
                raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)

    def _compared(self, row: Any, exclude: Collection[str]) -> Iterator[tuple[Any, Callable[[Any, Any], bool], Any]]:
        condition: Any = self.condition
        for lookup, limit in condition.children:
            field, comparison = lookup.split("__")
            other: str | None = limit.name if isinstance(limit, models.F) else None  # type: ignore[attr-defined]
            if {field, other}.isdisjoint(exclude):
                yield getattr(row, field), COMPARISONS[comparison], getattr(row, other) if other else limit


def is_number(value: Any) -> bool:
    """Return whether a value of a JSON column is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def between(model: str, low: float, high: float, *fields: str) -> list[Range]:
    """Return one constraint per field that keeps it within `low`..`high`, both included."""
    return [
        Range(
            name=f"{model}_{field}_range",
            condition=models.Q(**{f"{field}__gte": low, f"{field}__lte": high}),
            violation_error_message=f"{field} must be between {low:g} and {high:g}.",
        )
        for field in fields
    ]


def at_least_zero(model: str, *fields: str) -> list[Range]:
    """Return one constraint per field that keeps it finite and at 0 or more."""
    return between(model, 0, LARGEST, *fields)


def positive(model: str, *fields: str) -> list[Range]:
    """Return one constraint per field that keeps it finite and above 0."""
    return [
        Range(
            name=f"{model}_{field}_positive",
            condition=models.Q(**{f"{field}__gt": 0, f"{field}__lte": LARGEST}),
            violation_error_message=f"{field} must be more than 0.",
        )
        for field in fields
    ]


def ordered(model: str, low: str, high: str) -> Range:
    """Return the constraint that keeps the field `low` at or below the field `high`."""
    return Range(
        name=f"{model}_{low}_below_{high}"[:60],
        condition=models.Q(**{f"{low}__lte": models.F(high)}),
        violation_error_message=f"{low} must not be above {high}.",
    )
