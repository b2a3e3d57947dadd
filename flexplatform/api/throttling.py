"""How often a token may call, told with every answer; all processes of the platform count together."""

import logging
import math
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from flexplatform.accounts.addresses import client_ip
from flexplatform.accounts.models import ApiToken

log = logging.getLogger(__name__)


class TokenRate(BaseThrottle):
    """A number of calls per minute and token (setting `API_RATE`); callers without a token count by address.

    Calls are counted in windows of the clock, in the shared cache: by one atomic step in Redis; in the database, two
    calls at the same moment may count as one. A cache that is away lets calls through: the limit protects from programs
    that run wild, and must not stop all others.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the call, and note what is left for the answer's headers."""
        most, seconds = SimpleRateThrottle.parse_rate(self, settings.API_RATE)  # type: ignore[arg-type]
        if most is None or seconds is None:
            return True
        now = time.time()
        window = int(now // seconds)
        self.left = math.ceil((window + 1) * seconds - now)
        count = _counted(f"api-rate-{self._who(request)}-{window}", seconds)
        request._request.rate_headers = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(most),
            "RateLimit-Remaining": str(max(0, most - count)),
            "RateLimit-Reset": str(self.left),
        }
        return count <= most

    def wait(self) -> float:
        """Return the seconds until the next window."""
        return self.left

    def _who(self, request: Request) -> str:
        return request.auth.key if isinstance(request.auth, ApiToken) else client_ip(request._request) or "nowhere"


def _counted(key: str, seconds: int) -> int:
    try:
        cache.add(key, 0, seconds)
        return cache.incr(key)
    except RedisError as error:
        log.warning("Calls are not counted: %s", error)
        return 0
    except ValueError:
        # The window ended between the two steps.
        return 1


def with_rate(request: Any, response: Any) -> Any:
    """Return the answer with the headers of the rate, where it was counted."""
    for name, value in getattr(request, "rate_headers", {}).items():
        response[name] = value
    return response
