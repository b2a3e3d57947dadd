"""What forecasts show on pages of the portal."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.accounts.requests import TenantRequest
from flexplatform.registry import Alert
from forecasting.models import ChannelForecast, PriceFeed, WeatherFeed
from forecasting.own_forms import OwnFilter


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


def drift(request: TenantRequest) -> Iterable[Alert]:
    """Yield that forecasts of channels are much worse than their back-test was; two queries."""
    drifted = ChannelForecast.objects.filter(organization=request.organization, enabled=True, drifted=True)
    count = drifted.count()
    if not count:
        return
    first = drifted.select_related("channel__site", "channel__asset").order_by("pk")[0]
    told = {"count": count, "channel": first.channel}
    if count == 1:
        page = reverse("channel_forecast", args=[request.organization.slug, first.channel_id])
        yield Alert("warning", _("The forecast of %(channel)s has become much worse") % told, page)
    else:
        page = reverse("own_forecasts", args=[request.organization.slug])
        text = _("The forecasts of %(count)d channels have become much worse, such as that of %(channel)s")
        yield Alert("warning", text % told, f"{page}?state={OwnFilter.DRIFTED}")
