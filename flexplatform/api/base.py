"""The door of the API: every view works inside the scope of its token's organization, held to account for by it."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from flexplatform.accounts import audit
from flexplatform.accounts.addresses import client_ip
from flexplatform.accounts.models import ApiToken, Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.api import filters, idempotency
from flexplatform.api.authentication import TokenAuthentication
from flexplatform.api.csv import CsvRenderer
from flexplatform.api.filters import Filter
from flexplatform.api.pagination import Pages
from flexplatform.api.schema import Example
from flexplatform.api.throttling import TokenRate, with_rate


class TenantViewSet(GenericViewSet[Any]):
    """A resource of the token's organization.

    `needs` names the permission of each action (None: every token may); no other action exists. `filters` and
    `orderings` are what its list takes, `csv_answers` the actions that answer as CSV too, with a `TableResponse`.
    `keyed` are the actions that need an `Idempotency-Key`; those in `keyed_by_job` give it to the `Job` that they ask
    for. Answers are rendered before the scope is left.
    """

    authentication_classes = (TokenAuthentication,)
    throttle_classes = (TokenRate,)
    pagination_class: type[Pages] | None = Pages
    lookup_value_converter = "int"
    needs: ClassVar[Mapping[str | None, str | None]] = {}
    filters: ClassVar[Mapping[str, Filter]] = {}
    orderings: ClassVar[tuple[str, ...]] = ()
    csv_answers: ClassVar[frozenset[str]] = frozenset()
    keyed: ClassVar[frozenset[str]] = frozenset()
    keyed_by_job: ClassVar[frozenset[str]] = frozenset()
    examples: ClassVar[Mapping[str, Example]] = {}
    token: ApiToken
    idempotency_key = ""

    @property
    def organization(self) -> Organization:
        """The organization of the token."""
        return self.token.organization

    @classmethod
    def example_of(cls, action: str) -> Example | None:
        """Return the example of an action that the description shows."""
        return cls.examples.get(action)

    def get_renderers(self) -> list[Any]:
        """Return the forms of the answer."""
        found = list(super().get_renderers())
        return [*found, CsvRenderer()] if getattr(self, "action", None) in self.csv_answers else found

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Return the rows that the address asks for; single rows know no filters."""
        if self.detail:
            return queryset
        return filters.apply(queryset, self.request.query_params.dict(), self.filters, self.organization.name)

    def get_object(self) -> Any:
        """Return the row of the address, unless its id is one that no database has."""
        if self.kwargs.get("pk", 0) > filters.LARGEST_ID:
            raise Http404
        return super().get_object()

    def page(self, rows: "QuerySet[Any]") -> Response:
        """Answer a page of the rows that the address asks for."""
        found = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(found, many=True).data)

    def own_row(self, name: str, pk: Any, rows: "QuerySet[Any]") -> Model:
        """Return the row of this id; `name` is what the caller calls it.

        Raises:
            ValidationError: where the organization has none.
        """
        found: Model = filters.own_row(name, pk, rows, self.organization.name)
        return found

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request and render the answer inside the scope that `initial` enters."""
        with ExitStack() as self._inside:
            response = super().dispatch(request, *args, **kwargs)
            return response.render() if isinstance(response, Response) else response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add what is left of the token's rate."""
        return with_rate(request._request, super().finalize_response(request, response, *args, **kwargs))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Prove the token, its permission and its rate, then enter its organization.

        Raises:
            NotAuthenticated: without a token.
            PermissionDenied: names the permission that the token lacks.
        """
        super().initial(request, *args, **kwargs)
        if not isinstance(request.auth, ApiToken):
            raise NotAuthenticated
        self.token = request.auth
        if self.action not in self.needs:
            raise MethodNotAllowed(request.method or "")
        needed = self.needs[self.action]
        if needed is not None and not self.token.may(needed):
            raise PermissionDenied(f"The token lacks the permission {needed}.")
        self._inside.enter_context(organization_scope(self.token.organization))
        self._inside.enter_context(audit.acting(self.token, Door.API, client_ip(request._request)))
        handler = (request.method or "").lower()
        if handler == "post":
            setattr(self, handler, partial(self._once, getattr(self, handler)))
        elif handler == "patch":
            # Read as a whole, so that a body that is too large is refused.
            _ = request._request.body

    def _once(self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any) -> Response:
        """Handle a POST, or answer it as before where its key is known."""
        _ = request._request.body
        required = self.action in self.keyed | self.keyed_by_job
        self.idempotency_key = idempotency.key_of(request, required=required)
        handle = partial(handler, request, *args, **kwargs)
        if not self.idempotency_key:
            return handle()
        if self.action in self.keyed_by_job:
            return idempotency.by_job(self.organization, self.idempotency_key, handle)
        return idempotency.once(request, self.token, self.idempotency_key, handle)
