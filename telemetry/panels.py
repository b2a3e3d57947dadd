"""What telemetry shows on pages of others: live power beside the map, what sites are told, and alerts."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from assets.models import Site
from flexplatform.accounts import permissions
from flexplatform.accounts.requests import TenantRequest
from flexplatform.portal.views import OrganizationMixin
from flexplatform.registry import Alert
from telemetry.models import Channel, DeadLetter, DevicePresence, PlanDispatch, Setpoint
from telemetry.services import sites_with_dispatch

POWERS = ("grid_power_kw", "power_kw")
MOST_SHOWN = 12
ANSWERED_WITHIN = timedelta(minutes=2)
LATELY = timedelta(days=1)


def live_power(request: TenantRequest, site: Site) -> dict[str, Any]:
    """Return the newest power of a site and of its devices, with what is stale or offline."""
    if not request.membership.may(permissions.VIEW_TELEMETRY):
        return {"rows": []}
    now = timezone.now()
    found = Channel.objects.filter(site=site, quantity__in=POWERS, last_at__isnull=False).select_related("asset")
    offline = set(DevicePresence.objects.filter(site=site, online=False).values_list("asset_id", flat=True))
    channels = list(found.order_by("-quantity", "asset__name"))
    # The site itself goes first.
    channels.sort(key=lambda channel: channel.asset_id is not None)
    rows = [(channel, channel.is_stale(now), channel.asset_id in offline) for channel in channels[:MOST_SHOWN]]
    return {"rows": rows, "more": max(len(channels) - MOST_SHOWN, 0)}


class SiteLive(OrganizationMixin):
    """The live power of a site, which brings itself up to date beside the map."""

    permission = permissions.VIEW_TELEMETRY

    def get(self, request: HttpRequest, site: str) -> HttpResponse:
        """Answer the part of the page."""
        found = get_object_or_404(Site.objects.filter(organization=self.organization), slug=site)
        panel = live_power(self.tenant_request, found)
        context = {"organization": self.organization, "site": found, "panel": panel}
        return render(request, "telemetry/map_site_panel.html", context)


def site_dispatch(request: TenantRequest, site: Site) -> dict[str, Any]:
    """Return whether a site's plans are sent, and what its devices are told now."""
    now = timezone.now()
    live = Setpoint.objects.filter(site=site, state__in=Setpoint.OPEN, valid_until__gt=now).select_related("asset")
    return {
        "rows": [(each, each.steps.at(now)) for each in live.order_by("asset__name")],
        "on": bool(sites_with_dispatch(request.organization, [site.pk])),
        "own": PlanDispatch.objects.filter(site=site).exists(),
        "may_switch": request.membership.may(permissions.SWITCH_DISPATCH),
    }


def alerts(request: TenantRequest) -> Iterable[Alert]:
    """Yield what is stale, offline, refused, or told and not answered; at most six queries."""
    slug, now = request.organization.slug, timezone.now()
    live, letters = reverse("telemetry", args=[slug]), reverse("dead_letters", args=[slug])
    told = reverse("setpoints", args=[slug])
    if offline := DevicePresence.objects.filter(online=False).count():
        text = ngettext("%(count)d device is offline", "%(count)d devices are offline", offline)
        yield Alert("danger", text % {"count": offline}, live)
    if stale := _stale(now):
        text = ngettext("%(count)d channel is stale", "%(count)d channels are stale", stale)
        yield Alert("warning", text % {"count": stale}, live)
    if refused := DeadLetter.objects.filter(last_at__gte=now - LATELY).count():
        text = ngettext("%(count)d message was refused", "%(count)d messages were refused", refused)
        yield Alert("warning", text % {"count": refused}, letters)
    counts = _setpoints(now)
    if counts["refused"]:
        text = ngettext(
            "%(count)d device refuses its set-point", "%(count)d devices refuse their set-points", counts["refused"]
        )
        yield Alert("danger", text % {"count": counts["refused"]}, f"{told}?state=refused")
    if counts["unanswered"]:
        text = ngettext(
            "%(count)d set-point is not acknowledged", "%(count)d set-points are not acknowledged", counts["unanswered"]
        )
        yield Alert("warning", text % {"count": counts["unanswered"]}, told)


def _stale(now: datetime) -> int:
    """Return how many channels have a last value that says nothing any more.

    By the few different limits that there are, as SQLite cannot subtract a column of seconds from a time.
    """
    known = Channel.objects.filter(stale_after_seconds__isnull=False, last_at__isnull=False).order_by()
    limits = list(known.values_list("stale_after_seconds", flat=True).distinct())
    older = [Q(stale_after_seconds=each, last_at__lt=now - timedelta(seconds=each)) for each in limits if each]
    return known.filter(reduce(or_, older)).count() if older else 0


def _setpoints(now: datetime) -> dict[str, int]:
    waits = Q(state__in=Setpoint.WAITING, issued_at__lt=now - ANSWERED_WITHIN) & Q(valid_until__gt=now)
    missed = Q(state=Setpoint.State.EXPIRED, ended_at__gte=now - LATELY)
    refused = Q(state=Setpoint.State.REFUSED, valid_until__gt=now)
    return Setpoint.objects.aggregate(unanswered=Count("pk", waits | missed), refused=Count("pk", refused))
