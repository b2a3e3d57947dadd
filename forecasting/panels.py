"""What forecasts show on pages of the portal."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.accounts.requests import TenantRequest
from flexplatform.registry import Alert
from forecasting.models import PriceFeed, WeatherFeed


def link(request: TenantRequest, _site: Site) -> dict[str, Any]:
    """Return what the member may do with the site's forecasts."""
    return {
        "may_view": request.membership.may(permissions.VIEW_FORECASTS),
        "may_measure": request.membership.may(permissions.VIEW_TELEMETRY),
        "may_import": request.membership.may(permissions.CHANGE_FORECASTS),
    }


def alerts(request: TenantRequest) -> Iterable[Alert]:
    """Yield what a provider did not bring in time; two queries."""
    page = reverse("providers", args=[request.organization.slug])
    weather = WeatherFeed.objects.filter(organization=request.organization)
    if any(each.is_stale for each in weather):
        yield Alert("warning", _("The weather forecast is stale"), page)
    prices = PriceFeed.objects.filter(organization=request.organization).select_related("series")
    for each in prices:
        if each.is_stale:
            yield Alert("warning", _("The prices of %(series)s are stale") % {"series": each.series}, page)
