"""Every operation of the API, from the URL configuration: what it needs, and whose row it is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from rest_framework.test import APIClient

from flexplatform.api.base import TenantViewSet
from tests.tenancy.addresses import ALL

# Views without a token: the description of the API, its page, and what answers unknown addresses.
OPEN = {"schema", "docs", ""}


@dataclass(frozen=True)
class Operation:
    """A method of an address; `needs` is the permission of its action, None where every token may."""

    name: str
    method: str
    action: str
    route: str
    viewset: type[TenantViewSet]

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def resource(self) -> str:
        """The name that the resource is registered by."""
        return self.name.rpartition("-")[0]

    @property
    def offered(self) -> bool:
        """Whether the action exists; one that `needs` does not name is refused for everybody."""
        return self.action in self.viewset.needs

    @property
    def needs(self) -> str | None:
        """The permission that it needs."""
        return self.viewset.needs[self.action]

    @property
    def about_a_row(self) -> bool:
        """Whether the address names a row."""
        return "<int:pk>" in self.route

    def address(self, pk: int | None) -> str:
        """Return the address, with the row of this id."""
        address = self.route.replace("<int:pk>", str(pk))
        assert "<" not in address, f"{self.route} takes an argument that this test does not know"
        return address

    def call(self, client: APIClient, pk: int | None = None, data: Any = None, **headers: str) -> HttpResponse:
        """Return the answer, and undo what it did."""
        with transaction.atomic():
            given = {} if self.method == "get" else {"data": {} if data is None else data, "format": "json"}
            headers = {"Idempotency-Key": "walk", **headers}
            answer: HttpResponse = getattr(client, self.method)(self.address(pk), headers=headers, **given)
            transaction.set_rollback(True)
        return answer


def strangers() -> set[str]:
    """Return the addresses of the API that no `TenantViewSet` answers, by name."""
    found = [each for each in ALL if each.route.startswith("/api/")]
    return {each.name for each in found if not _is_fenced(each.view)}


def _is_fenced(view: Any) -> bool:
    return isinstance(getattr(view, "cls", None), type) and issubclass(view.cls, TenantViewSet)


def _operations() -> Iterator[Operation]:
    for each in ALL:
        if each.route.startswith("/api/") and _is_fenced(each.view):
            view: Any = each.view
            for method, action in view.actions.items():
                yield Operation(each.name, method, action, each.route, view.cls)


OPERATIONS = [each for each in _operations() if each.offered]
CLOSED = [each for each in _operations() if not each.offered]
RESOURCES = sorted({each.resource for each in OPERATIONS})
