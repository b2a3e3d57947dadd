"""What settlement shows on pages of the portal."""

from typing import Any

from flexmarket.settlement.kpis import kpis_of
from flexplatform.accounts.models import Organization
from flexplatform.accounts.requests import TenantRequest


def market_kpis(_request: TenantRequest, organization: Organization) -> dict[str, Any]:
    """Return the figures of the market for the overview."""
    return {"kpis": kpis_of(organization)}


def settlement_of_site(_request: TenantRequest, _site: Any) -> dict[str, Any]:
    """Return nothing: the panel asks for the accuracy of baselines once it is seen."""
    return {}
