"""How complete the readings are, per channel and day, and the gaps of one channel."""

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.generic import ListView, TemplateView

from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin
from telemetry.completeness import daily_quality, local_days
from telemetry.models import Channel
from telemetry.queries import gaps

DAYS = 7
DAYS_OF_ONE = 30
MOST_GAPS = 100


class Completeness(OrganizationMixin, ListView):
    """The share of the expected readings of each channel in each of the last days."""

    template_name = "telemetry/completeness.html"
    permission = permissions.VIEW_TELEMETRY
    context_object_name = "channels"
    paginate_by = 100

    def get_queryset(self) -> QuerySet[Channel]:
        """Return the channels that ever had a reading."""
        found = Channel.objects.filter(last_at__isnull=False).select_related("site", "asset")
        return found.order_by("site__name", "asset__name", "quantity")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the channels with their days, those of the organization's clock."""
        context = super().get_context_data(**kwargs)
        now, zone = timezone.now(), ZoneInfo(self.organization.time_zone)
        days = local_days(zone, now.astimezone(zone).date(), DAYS)
        found = daily_quality(context["channels"], days, now)
        return {**context, "days": days, "rows": [(channel, found[channel.pk]) for channel in context["channels"]]}


class ChannelCompleteness(OrganizationMixin, TemplateView):
    """The days of one channel, and when nothing came."""

    template_name = "telemetry/channel.html"
    permission = permissions.VIEW_TELEMETRY

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the channel with its days and gaps, by the clock of its site."""
        channels = Channel.objects.select_related("site", "asset")
        channel = get_object_or_404(channels, pk=self.kwargs["channel"])
        now = timezone.now()
        days = local_days(channel.site.zone, now.astimezone(channel.site.zone).date(), DAYS_OF_ONE)
        found = gaps(channel, days[0].start, now)
        return super().get_context_data(
            **{**kwargs, "channel": channel},
            days=list(reversed(daily_quality([channel], days, now)[channel.pk])),
            gaps=list(reversed(found))[:MOST_GAPS],
            unshown=max(len(found) - MOST_GAPS, 0),
            may_import=self.tenant_request.membership.may(permissions.CHANGE_TELEMETRY),
        )
