"""Which channels the platform forecasts itself: what plans need of devices, and what a person switched on."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from assets.models import Asset
from assets.services import rows
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.facts import KINDS
from forecasting.models import ChannelForecast, ForecastRun
from telemetry.models import Channel
from telemetry.services import Reference, ensure_channels

OWN = "FlexPlatform"
# What plans need of a kind of device, the best quantity first; a vehicle is planned by its stays.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "pv": ("available_power_kw", "power_kw"),
    "wind": ("available_power_kw", "power_kw"),
    "electric_load": ("demand_kw", "power_kw"),
    "heat_load": ("demand_kw", "heat_kw"),
}
# Where somebody else has forecast a channel within this time, the platform does so only when told to.
OTHERS_SINCE = timedelta(days=7)
SITES_AT_ONCE = 500
CHANGEABLE = frozenset({"enabled", "forced_model"})


@transaction.atomic
def ensure_own_forecasts(*, organization: Organization, sites: Iterable[int] | None = None) -> int:
    """Make what is missing to forecast the devices of an organization (or of some sites), and return how much that was.

    Of a device's quantities that is taken which has readings, else the best one, whose channel is made when missing.
    What others forecast is switched off at first, and so are other measured quantities that a model is for.
    """
    made = 0
    wanted = Asset.objects.filter(site__organization=organization, kind__in=NEEDED)
    if sites is not None:
        wanted = wanted.filter(site__in=list(sites))
    forecast = ChannelForecast.objects.filter(channel__asset=OuterRef("pk"), channel__quantity__in=_of_needed())
    missing = list(wanted.filter(~Exists(forecast)).order_by("site_id", "pk").values_list("pk", "kind"))
    for begin in range(0, len(missing), SITES_AT_ONCE):
        made += _make(organization, missing[begin : begin + SITES_AT_ONCE])
    return made + _offer(organization, sites)


def update_own_forecast(*, own: ChannelForecast, values: Mapping[str, Any]) -> ChannelForecast:
    """Switch the forecast of a channel on or off, or say with which model; an empty name leaves it to the back-test.

    Raises:
        ValidationError: by field.
    """
    if unknown := sorted(set(values) - CHANGEABLE):
        raise ValidationError({name: f"{name} cannot be changed; allowed: enabled, forced_model." for name in unknown})
    forced = values.get("forced_model")
    if forced:
        _check_model(own.channel, forced)
    return rows.update(own, values, own.organization)


def _check_model(channel: Channel, name: str) -> None:
    # Loading the models takes longer than most requests.
    from forecasting.engine.models import MODELS

    kind = KINDS[channel.asset.kind][0] if channel.asset else ""
    allowed = [model.name for model in MODELS.values() if kind in model.kinds]
    if name not in allowed:
        told = f"forced_model is {name}; allowed for {channel.label}: {', '.join(allowed)}, or empty."
        raise ValidationError({"forced_model": told})


def _make(organization: Organization, devices: Sequence[tuple[int, str]]) -> int:
    known: dict[int, dict[str, Channel]] = {pk: {} for pk, _ in devices}
    for channel in Channel.objects.filter(asset__in=list(known), quantity__in=_of_needed()):
        known[channel.asset_id or 0][channel.quantity] = channel
    references = [Reference(asset=pk, quantity=_best(NEEDED[kind], known[pk])) for pk, kind in devices]
    channels = ensure_channels(organization=organization, references=references)
    since = timezone.now() - OTHERS_SINCE
    others = ForecastRun.objects.filter(channel__in=channels, received_at__gte=since).exclude(source=OWN)
    foreign = set(others.order_by().values_list("channel", flat=True).distinct())
    new = (
        ChannelForecast(organization=organization, channel=channel, enabled=channel.pk not in foreign)
        for channel in channels
    )
    return len(_stored(organization, new))


def _offer(organization: Organization, sites: Iterable[int] | None) -> int:
    """Make what a person may switch on: quantities that are measured, that a model is for, and no plan needs."""
    possible = Q()
    for kind, (_, quantities) in KINDS.items():
        possible |= Q(asset__kind=kind, quantity__in=quantities)
    found = Channel.objects.filter(possible, organization=organization, last_at__isnull=False, own_forecast=None)
    if sites is not None:
        found = found.filter(site__in=list(sites))
    rows_ = (ChannelForecast(organization=organization, channel=each, enabled=False) for each in found.order_by("pk"))
    return len(_stored(organization, rows_))


def _stored(organization: Organization, new: Iterable[ChannelForecast]) -> list[ChannelForecast]:
    made = ChannelForecast.objects.bulk_create(new)
    told = [(row, None, {"channel": row.channel_id, "enabled": row.enabled}) for row in made]
    audit.record_many(organization=organization, action="channelforecast.create", rows=told)
    return made


def _best(quantities: Sequence[str], known: Mapping[str, Channel]) -> str:
    measured = [name for name in quantities if name in known and known[name].last_at is not None]
    return (measured or quantities)[0]


def _of_needed() -> set[str]:
    return {name for names in NEEDED.values() for name in names}


def wanted_ids(organization: Organization, channels: Sequence[int] | None = None) -> list[int]:
    """Return the ids of what is forecast, so that channels of one zone and kind of device stand together."""
    found = ChannelForecast.objects.filter(organization=organization)
    found = found.filter(enabled=True) if channels is None else found.filter(channel__in=channels)
    ordered = found.order_by("channel__site__time_zone", "channel__asset__kind", "pk")
    return list(ordered.values_list("pk", flat=True))
