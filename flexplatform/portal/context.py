"""What every page's frame shows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from flexplatform.accounts.models import Organization
from flexplatform.accounts.permissions import CHANGE_SITES
from flexplatform.registry import navigation


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the organization of the address, the user's organizations and the links that the role may follow."""
    organization: Organization | None = getattr(request, "organization", None)
    membership = getattr(request, "membership", None)
    user = getattr(request, "user", None)
    if organization is None or membership is None:
        return {"organization": None, "navigation": [], "may_configure": getattr(user, "is_superuser", False)}
    return {
        "organization": organization,
        "membership": membership,
        "may_configure": membership.may(CHANGE_SITES) or membership.user.is_superuser,
        "navigation": [entry for entry in navigation if membership.may(entry.permission)],
        "map_tiles_url": settings.MAP_TILES_URL,
        "map_tiles_attribution": settings.MAP_TILES_ATTRIBUTION,
    }
