"""The door of the API: every view works inside the scope of its token's organization, held to account for by it."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from flexplatform.accounts import audit
from flexplatform.accounts.addresses import client_ip
from flexplatform.accounts.models import ApiToken, Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.api.authentication import TokenAuthentication
from flexplatform.api.pagination import NewestFirst
from flexplatform.api.throttling import TokenRate, with_rate


class TenantViewSet(GenericViewSet[Any]):
    """A resource of the token's organization.

    `needs` names the permission of each action (None: every token may); no other action exists. Answers are rendered
    before the scope is left.
    """

    authentication_classes = (TokenAuthentication,)
    throttle_classes = (TokenRate,)
    pagination_class: type[NewestFirst] | None = NewestFirst
    lookup_value_converter = "int"
    needs: ClassVar[Mapping[str | None, str | None]] = {}
    token: ApiToken

    @property
    def organization(self) -> Organization:
        """The organization of the token."""
        return self.token.organization

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
