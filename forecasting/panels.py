"""What forecasts show on pages of the portal."""

from typing import Any

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.accounts.requests import TenantRequest


def link(request: TenantRequest, _site: Site) -> dict[str, Any]:
    """Return what the member may do with the site's forecasts."""
    return {
        "may_view": request.membership.may(permissions.VIEW_FORECASTS),
        "may_measure": request.membership.may(permissions.VIEW_TELEMETRY),
        "may_import": request.membership.may(permissions.CHANGE_FORECASTS),
    }
