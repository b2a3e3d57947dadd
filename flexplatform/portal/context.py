"""What every page's frame shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from flexplatform.accounts.models import Membership, Organization
from flexplatform.accounts.permissions import CHANGE_SITES
from flexplatform.registry import NAVIGATION_GROUPS, NavigationEntry, Text, navigation

THEMES = ("light", "dark")


@dataclass(frozen=True)
class Link:
    """A link of the navigation; `current` is what `aria-current` says: the page itself, a page below it, or nothing."""

    label: Text
    url: str
    icon: str
    current: str


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the theme, the organization of the address and the links that the role may follow."""
    organization: Organization | None = getattr(request, "organization", None)
    membership: Membership | None = getattr(request, "membership", None)
    user = getattr(request, "user", None)
    chosen = request.COOKIES.get("theme", "")
    theme = chosen if chosen in THEMES else ""
    if organization is None or membership is None:
        may_configure = getattr(user, "is_superuser", False)
        return {"theme": theme, "organization": None, "navigation": [], "may_configure": may_configure}
    return {
        "theme": theme,
        "organization": organization,
        "membership": membership,
        "may_configure": membership.may(CHANGE_SITES) or membership.user.is_superuser,
        "navigation": list(_groups(request.path, organization, membership)),
        "map_tiles_url": settings.MAP_TILES_URL,
        "map_tiles_attribution": settings.MAP_TILES_ATTRIBUTION,
    }


def _groups(path: str, organization: Organization, membership: Membership) -> Iterable[dict[str, Any]]:
    """Yield the groups that have links, in their order."""
    allowed = [entry for entry in navigation if membership.may(entry.permission)]
    for name, label in NAVIGATION_GROUPS.items():
        links = [_link(entry, path, organization) for entry in allowed if entry.group == name]
        if links:
            yield {"name": name, "label": label, "links": links}


def _link(entry: NavigationEntry, path: str, organization: Organization) -> Link:
    url = reverse(entry.url_name, args=[organization.slug])
    below = path.startswith(url) and entry.url_name != "overview"
    current = "page" if path == url else "true" if below else ""
    return Link(entry.label, url, entry.icon, current)
