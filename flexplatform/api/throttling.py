"""How often a token may call, told with every answer."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from flexplatform.accounts.models import ApiToken


class TokenRate(SimpleRateThrottle):
    """A number of calls per minute and token (setting `API_RATE`); callers without a token count by address."""

    scope = "token"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return what is counted together."""
        own = request.auth.key if isinstance(request.auth, ApiToken) else self.get_ident(request)
        return f"api-rate-{own}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the call, and note what is left for the answer's headers."""
        allowed = super().allow_request(request, view)
        most, _seconds = self.parse_rate(self.get_rate())
        left = max(0, (most or 0) - len(self.history))
        request._request.rate_headers = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(most),
            "RateLimit-Remaining": str(left),
        }
        return allowed


def with_rate(request: Any, response: Any) -> Any:
    """Return the answer with the headers of the rate, where it was counted."""
    for name, value in getattr(request, "rate_headers", {}).items():
        response[name] = value
    return response
