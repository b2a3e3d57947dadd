"""Filters and ordering of lists: declared by each resource; anything else in the address is refused by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

ORDERING = "ordering"
LARGEST_ID = 2**63 - 1
PAGING = frozenset({"cursor", "page_size", "format"})

Read = Callable[[str, str, str], Any]


@dataclass(frozen=True)
class Filter:
    """A query parameter of a list: the lookup that it sets, and how its text is read.

    `read` gets the parameter's name, its text and the organization's name, and raises ValidationError by the name.
    """

    lookup: str
    read: Read
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    description: str = ""


def same(lookup: str, choices: Iterable[str] = (), description: str = "") -> Filter:
    """Return a filter by equality, with `choices` only of these."""
    allowed = list(choices)

    def read(name: str, text: str, _organization: str) -> str:
        if allowed and text not in allowed:
            raise refused(name, text, ", ".join(allowed))
        if "\0" in text:
            raise refused(name, "the character 0", "text")
        return text

    return Filter(lookup, read, {"type": "string", **({"enum": allowed} if allowed else {})}, description)


def row(lookup: str, model: type[models.Model], description: str = "") -> Filter:
    """Return a filter by the id of a row of the organization; ids of others are refused."""

    def read(name: str, text: str, organization: str) -> models.Model:
        return own_row(name, text, model._default_manager.all(), organization)

    return Filter(lookup, read, {"type": "integer"}, description)


def moment(lookup: str, description: str = "") -> Filter:
    """Return a filter by a time with a time zone."""
    return Filter(lookup, lambda name, text, _: read_moment(name, text), _format("date-time"), description)


def day(lookup: str, description: str = "") -> Filter:
    """Return a filter by a calendar day."""
    return Filter(lookup, lambda name, text, _: read_day(name, text), _format("date"), description)


def own_row(name: str, value: Any, rows: "models.QuerySet[Any]", organization: str) -> Any:
    """Return the row of this id among the organization's `rows`.

    Raises:
        ValidationError: for anything else, as if rows of others did not exist.
    """
    text = str(value)
    pk = int(text) if text.isascii() and text.isdigit() and len(text) < 100 else 0
    found = rows.filter(pk=pk).first() if 0 < pk <= LARGEST_ID else None
    if found is None:
        kind = rows.model._meta.verbose_name
        raise refused(name, text[:100], f"the id of a {kind} of {organization}")
    return found


def read_moment(name: str, text: str) -> datetime:
    """Return a time with a time zone, in UTC: PostgreSQL knows no offset of 16 hours or more, and Python does.

    Raises:
        ValidationError: for anything else.
    """
    try:
        # A plus sign in an address means a blank.
        found = parse_datetime(text.strip().replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1 < found.year < 9999:
        raise refused(name, text, "a time such as 2026-01-31T12:00:00Z")
    return found.astimezone(UTC)


def read_day(name: str, text: str) -> date:
    """Return a calendar day.

    Raises:
        ValidationError: for anything else.
    """
    try:
        found = parse_date(text.strip())
    except ValueError:
        found = None
    if found is None or not 1 < found.year < 9999:
        raise refused(name, text, "a day such as 2026-01-31")
    return found


def apply(
    rows: "models.QuerySet[Any]", asked: Mapping[str, str], filters: Mapping[str, Filter], organization: str
) -> "models.QuerySet[Any]":
    """Return the rows that all filters in `asked` let through.

    Raises:
        ValidationError: names what is no filter here, and what is no value of one.
    """
    check_names(asked, filters)
    values = {
        filters[name].lookup: filters[name].read(name, text, organization)
        for name, text in asked.items()
        if name in filters
    }
    return rows.filter(**values) if values else rows


def check_names(asked: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse query parameters that this address does not know.

    Raises:
        ValidationError: names them, and what is allowed.
    """
    known = [*allowed, ORDERING, *sorted(PAGING)]
    if unknown := sorted(set(asked) - set(known)):
        raise ValidationError(dict.fromkeys(unknown, f"No filter here; allowed: {', '.join(known)}."))


def parameters(filters: Mapping[str, Filter]) -> list[OpenApiParameter]:
    """Return how the description shows the filters."""
    return [OpenApiParameter(name, dict(each.schema), description=each.description) for name, each in filters.items()]


def refused(name: str, value: object, allowed: str) -> ValidationError:
    """Return the error that names the parameter, its value and what is allowed."""
    return ValidationError({name: f"{name} is {value}; allowed: {allowed}."})


def _format(name: str) -> dict[str, str]:
    return {"type": "string", "format": name}
