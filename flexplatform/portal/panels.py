"""The platform's own panels."""

from typing import Any

from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest
from flexplatform.registry import alert_sources


def alerts(request: TenantRequest, _organization: Organization) -> dict[str, Any]:
    """Return what the apps' sources of alerts find, the dangerous ones first."""
    allowed = [source for source in alert_sources if request.membership.may(source.permission)]
    found = [alert for source in allowed for alert in source.find(request)]
    return {"alerts": sorted(found, key=lambda alert: alert.level != "danger")}
