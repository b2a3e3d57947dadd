"""Where a request comes from."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """Return the caller's address; behind `PROXY_COUNT` own proxies, what the outermost of them saw."""
    found = request.META.get("REMOTE_ADDR", "")
    if settings.PROXY_COUNT:
        seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        found = seen[-settings.PROXY_COUNT] if len(seen) >= settings.PROXY_COUNT else found
    try:
        return str(ip_address(found))
    except ValueError:
        return None
