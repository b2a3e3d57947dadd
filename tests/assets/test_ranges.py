"""Ranges are told without the database as the database holds them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from assets.models import KINDS, Asset, Site
from assets.models.ranges import LARGEST, Range

RANGES = [
    (model, constraint)
    for model in (Site, Asset, *KINDS.values())
    for constraint in model._meta.constraints
    if isinstance(constraint, Range)
]
VALUES = [None, -180.1, -90, -0.5, 0, 0.5, 1, 1.01, 50, 100, 100.1, 180.5, LARGEST, 2 * LARGEST]


def numbers(constraint: Range) -> Iterator[str]:
    """Yield the fields that a range is about."""
    condition: Any = constraint.condition
    for lookup, limit in condition.children:
        yield lookup.split("__")[0]
        if isinstance(limit, models.F):
            yield limit.name


def refused(check: Any, *arguments: Any) -> list[str]:
    try:
        check(*arguments)
    except ValidationError as error:
        return error.messages
    return []


@pytest.mark.parametrize(("model", "constraint"), RANGES, ids=[constraint.name for _, constraint in RANGES])
def test_a_range_is_told_as_the_database_holds_it(db: None, model: Any, constraint: Range) -> None:
    names = list(dict.fromkeys(numbers(constraint)))
    results = set()
    for value in VALUES:
        row = model(**{names[0]: value, **dict.fromkeys(names[1:], 50)})
        held = refused(lambda row=row: models.CheckConstraint.validate(constraint, model, row))
        with CaptureQueriesContext(connection) as made:
            assert refused(constraint.validate, model, row) == held
        assert len(made) == 0
        assert refused(constraint.validate, model, row, {names[0]}) == []
        results.add(bool(held))
    assert results == {True, False}
