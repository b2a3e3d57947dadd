"""Requests to forecast, to choose models and to score; workers do it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from flexplatform.accounts.models import Organization
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from forecasting.models import ChannelForecast

FORECAST_ORGANIZATION, FORECAST_CHUNK = "forecast_organization", "forecast_chunk"
CHOOSE_MODELS, CHOOSE_CHUNK = "choose_models", "choose_models_chunk"
SCORE_FORECASTS = "score_forecasts"
MOST_BY_ID = 1000
HIGHEST_ID = 2**63 - 1


@transaction.atomic
def request_forecasts(
    *,
    organization: Organization,
    channels: Sequence[int] | None = None,
    at: datetime | None = None,
    idempotency_key: str = "",
) -> Job:
    """Ask for forecasts of all channels that are switched on, or of some; as known at a time, now by default.

    Raises:
        ValidationError: for a time that is not over, and channels that the organization does not forecast.
        JobConflictError: when the key belongs to another request.
    """
    if at is not None and at > timezone.now():
        raise ValidationError({"at": f"at is {at.isoformat()}; allowed: a time that is not in the future."})
    asked: dict[str, Any] = {"channels": None if channels is None else _checked(organization, channels)}
    if at is not None:
        asked["at"] = at.isoformat()
    what = "all channels" if channels is None else _counted(asked["channels"])
    return enqueue(
        organization=organization,
        kind=FORECAST_ORGANIZATION,
        title=f"Forecast {what}" + (f" as known at {at:%d %B %Y %H:%M} UTC" if at else ""),
        input=asked,
        idempotency_key=idempotency_key,
    )


@transaction.atomic
def request_model_choice(
    *, organization: Organization, channels: Sequence[int] | None = None, idempotency_key: str = ""
) -> Job:
    """Ask for a back-test of the models on all channels that are switched on, or on some; it chooses the best for each.

    Raises:
        ValidationError: for channels that the organization does not forecast.
        JobConflictError: when the key belongs to another request.
    """
    some = None if channels is None else _checked(organization, channels)
    return enqueue(
        organization=organization,
        kind=CHOOSE_MODELS,
        title="Choose forecast models" if some is None else f"Choose forecast models of {_counted(some)}",
        input={} if some is None else {"channels": some},
        idempotency_key=idempotency_key,
    )


def request_scores(*, organization: Organization, idempotency_key: str = "") -> Job:
    """Ask how good the forecasts were whose time is over."""
    return enqueue(
        organization=organization,
        kind=SCORE_FORECASTS,
        title="Score forecasts",
        input={},
        idempotency_key=idempotency_key,
    )


def _counted(channels: Sequence[int]) -> str:
    return "1 channel" if len(channels) == 1 else f"{len(channels)} channels"


def _checked(organization: Organization, channels: Sequence[int]) -> list[int]:
    wanted = sorted(set(channels))
    if not 1 <= len(wanted) <= MOST_BY_ID:
        raise ValidationError({"channels": f"channels has {len(wanted)} ids; allowed: 1 to {MOST_BY_ID}."})
    # A database refuses numbers that no id can be.
    possible = [pk for pk in wanted if 0 < pk <= HIGHEST_ID]
    own = ChannelForecast.objects.filter(organization=organization, channel__in=possible)
    known = set(own.values_list("channel", flat=True))
    if unknown := [pk for pk in wanted if pk not in known]:
        told = f"channels has {unknown[0]}; allowed: ids of channels that {organization} forecasts."
        raise ValidationError({"channels": told})
    return wanted
