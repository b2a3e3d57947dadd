"""The demo's own forecasts: asked for when it starts, made by the workers after that."""

from django.db.models import Q

from assets.models import Asset
from flexplatform.registry import DemoContext, DemoProblem
from forecasting.models import ChannelForecast, ForecastRun
from forecasting.services import OWN, ensure_own_forecasts, request_forecasts
from telemetry.models import Channel

# What a model knows without readings: parameters of the device suffice.
PLANTS = ("pv", "wind")


def request_own_forecasts(context: DemoContext) -> list[DemoProblem]:
    """Ask once for forecasts of plants, beside those that the demo delivers, and of what is measured."""
    ensure_own_forecasts(organization=context.organization)
    plants = Asset.objects.filter(site__organization=context.organization, kind__in=PLANTS)
    measured = Channel.objects.filter(organization=context.organization, last_at__isnull=False)
    own = ChannelForecast.objects.filter(Q(channel__asset__in=plants) | Q(channel__in=measured, enabled=True))
    wanted = list(own.values_list("channel", flat=True)[:1000])
    if wanted and not ForecastRun.objects.filter(channel__in=wanted, source=OWN).exists():
        context.progress(f"{len(wanted)} channels")
        request_forecasts(
            organization=context.organization, channels=wanted, idempotency_key=f"demo {context.day:%Y-%m-%d}"
        )
    return []
