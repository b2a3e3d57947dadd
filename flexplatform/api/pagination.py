"""How lists are cut into pages."""

import re
from typing import Any

from django.core.exceptions import ValidationError as ModelError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from flexplatform.api.filters import ORDERING, refused

NEWEST_FIRST = "-id"
PAGE_SIZE = re.compile(r"[1-9][0-9]{0,3}")


class Pages(CursorPagination):
    """Pages by cursor, newest row first or as `?ordering=` asks; stable while rows are added."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"

    def get_page_size(self, request: Request) -> int:
        """Return how many rows a page has.

        Raises:
            ValidationError: for what is no such number.
        """
        asked = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if PAGE_SIZE.fullmatch(asked) is None or int(asked) > self.max_page_size:
            raise refused(self.page_size_query_param, asked, f"1 to {self.max_page_size}")
        return int(asked)

    def get_ordering(self, request: Request, queryset: "QuerySet[Any]", view: Any) -> tuple[str, ...]:
        """Return the columns to order by; rows that are equal in them are ordered by their id.

        Raises:
            ValidationError: for a column that the list is not ordered by.
        """
        asked = request.query_params.get(ORDERING, NEWEST_FIRST)
        allowed = ordering_choices(view.orderings)
        if asked not in allowed:
            raise refused(ORDERING, asked, ", ".join(allowed))
        sign = "-" if asked.startswith("-") else ""
        return (asked,) if asked.lstrip("-") == "id" else (asked, f"{sign}id")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return the rows of the page.

        Raises:
            NotFound: for a cursor that was not made by this list.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, TypeError, OverflowError, ModelError) as error:
            raise NotFound("The cursor is not one of this list.") from error

    def get_paginated_response_schema(self, schema: Any) -> Any:
        """Return the schema of a page."""
        link = {"type": ["string", "null"], "format": "uri"}
        properties = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": list(properties), "properties": properties}


def ordering_choices(columns: tuple[str, ...]) -> list[str]:
    """Return the values of `ordering`: each column, rising and falling."""
    return [sign + name for name in dict.fromkeys(("id", *columns)) for sign in ("", "-")]
