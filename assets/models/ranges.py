"""Number ranges that hold in forms and in the database alike."""

import math
from typing import Any

from django.db import models

LARGEST = 1e9


def is_number(value: Any) -> bool:
    """Return whether a value of a JSON column is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def between(model: str, low: float, high: float, *fields: str) -> list[models.CheckConstraint]:
    """Return one constraint per field that keeps it within `low`..`high`, both included."""
    return [
        models.CheckConstraint(
            name=f"{model}_{field}_range",
            condition=models.Q(**{f"{field}__gte": low, f"{field}__lte": high}),
            violation_error_message=f"{field} must be between {low:g} and {high:g}.",
        )
        for field in fields
    ]


def at_least_zero(model: str, *fields: str) -> list[models.CheckConstraint]:
    """Return one constraint per field that keeps it finite and at 0 or more."""
    return between(model, 0, LARGEST, *fields)


def positive(model: str, *fields: str) -> list[models.CheckConstraint]:
    """Return one constraint per field that keeps it finite and above 0."""
    return [
        models.CheckConstraint(
            name=f"{model}_{field}_positive",
            condition=models.Q(**{f"{field}__gt": 0, f"{field}__lte": LARGEST}),
            violation_error_message=f"{field} must be more than 0.",
        )
        for field in fields
    ]


def ordered(model: str, low: str, high: str) -> models.CheckConstraint:
    """Return the constraint that keeps the field `low` at or below the field `high`."""
    return models.CheckConstraint(
        name=f"{model}_{low}_below_{high}"[:60],
        condition=models.Q(**{f"{low}__lte": models.F(high)}),
        violation_error_message=f"{low} must not be above {high}.",
    )
