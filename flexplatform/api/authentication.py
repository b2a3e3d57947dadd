"""Bearer tokens of the API."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from flexplatform.accounts.addresses import client_ip
from flexplatform.accounts.models import ApiToken, User
from flexplatform.accounts.services import TokenRefusedError, authenticate_token

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer flx_<key>.<secret>`; the token brings its organization and what it may do."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's creator and the token; None without the header.

        Raises:
            AuthenticationFailed: for a token that opens nothing.
        """
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != SCHEME.lower():
            raise AuthenticationFailed(f"The Authorization header is {scheme}; allowed: {SCHEME} flx_<key>.<secret>.")
        try:
            token = authenticate_token(text.strip(), client_ip(request._request))
        except TokenRefusedError as error:
            raise AuthenticationFailed(str(error)) from error
        return token.created_by, token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 answer."""
        return SCHEME


class TokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI description names the tokens."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the HTTP bearer scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "flx_<key>.<secret>"}
