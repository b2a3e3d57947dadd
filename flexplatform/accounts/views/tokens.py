"""Tokens of the API."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from flexplatform.accounts import permissions, services
from flexplatform.accounts.forms import TokenForm
from flexplatform.accounts.queries import visible_tokens
from flexplatform.portal.views import OrganizationMixin


class Tokens(OrganizationMixin, TemplateView):
    """The tokens that the member may see."""

    template_name = "accounts/tokens.html"
    permission = permissions.USE_TOKENS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the tokens, newest first."""
        membership = self.tenant_request.membership
        everybody = membership.may(permissions.MANAGE_TOKENS)
        return super().get_context_data(**kwargs, tokens=visible_tokens(membership), everybody=everybody)


class TokenNew(OrganizationMixin, TemplateView):
    """Makes a token and shows its clear text once."""

    template_name = "accounts/token_new.html"
    permission = permissions.USE_TOKENS

    def form(self, data: Any = None) -> TokenForm:
        """Return the form with what the member may give away."""
        return TokenForm(data, grantable=self.tenant_request.membership.permissions & permissions.DELEGABLE)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form."""
        return super().get_context_data(**{"form": self.form(), **kwargs})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Make the token."""
        form = self.form(request.POST)
        if form.is_valid():
            try:
                token, text = services.create_token(
                    organization=self.organization, created_by=self.member, **form.cleaned_data
                )
            except ValidationError as error:
                form.take(error)
            else:
                response = self.render_to_response({**self.get_context_data(), "token": token, "text": text})
                response["Cache-Control"] = "no-store"
                return response
        return self.render_to_response(self.get_context_data(form=form), status=422)


class TokenRevoke(OrganizationMixin):
    """Revokes a token."""

    permission = permissions.USE_TOKENS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Revoke the token of the address; one that the member may not see does not exist."""
        token = get_object_or_404(visible_tokens(self.tenant_request.membership), pk=self.kwargs["token"])
        services.revoke_token(token=token)
        messages.success(request, _("The token {name} is revoked.").format(name=token.name))
        return redirect("tokens", self.organization.slug)
