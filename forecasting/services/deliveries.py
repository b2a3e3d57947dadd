"""Forecasts that somebody else made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.models import ForecastRun, ForecastValues
from forecasting.services.checks import Delivery, FieldErrors, Values, checked_values
from telemetry.models import Channel
from telemetry.quantities import QUANTITIES
from telemetry.services import ensure_channels

MOST_FORECASTS = 1000
BATCH = 500
PREFIX = "forecasts"
UNCHECKED = {"organization", "channel"}

# What tells deliveries apart: channel, start, time of issue, source, model.
Identity = tuple[int, datetime, datetime, str, str]


@dataclass(frozen=True, eq=False)
class _Received:
    """A checked delivery: the row that would be stored, and its values."""

    run: ForecastRun
    values: Values

    @property
    def identity(self) -> Identity:
        run = self.run
        return run.channel_id, run.start, run.issued_at, run.source, run.model

    def repeats(self, stored: ForecastRun) -> bool:
        """Return whether the stored forecast says the same."""
        quantiles = stored.series.quantiles
        mine = self.values.quantiles
        return (
            stored.step_seconds == self.run.step_seconds
            and np.array_equal(np.asarray(stored.series.mean), self.values.mean)
            and (quantiles is None) == (mine is None)
            and (quantiles is None or mine is None or np.array_equal(quantiles, mine.ravel(), equal_nan=True))
        )


def receive_forecast(*, organization: Organization, delivery: Delivery) -> ForecastRun:
    """Store one forecast; see `receive_forecasts`.

    Raises:
        ValidationError: by field.
    """
    try:
        return receive_forecasts(organization=organization, deliveries=[delivery])[0]
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            raise
        own = f"{PREFIX}[0]."
        raise ValidationError(
            {name.removeprefix(own): messages for name, messages in error.message_dict.items()}
        ) from error


@transaction.atomic
def receive_forecasts(*, organization: Organization, deliveries: Sequence[Delivery]) -> list[ForecastRun]:
    """Store forecasts, all or none, with the channels that they need; return their rows in order.

    A delivery that is stored already is left as it is. A fixed number of statements, and more only by the batch.

    Raises:
        ValidationError: by `forecasts[i].<field>`, for every delivery that is wrong.
    """
    if not 1 <= len(deliveries) <= MOST_FORECASTS:
        raise ValidationError(
            {PREFIX: f"{PREFIX} has {len(deliveries)} entries; allowed: 1 to {MOST_FORECASTS} at a time."}
        )
    channels = ensure_channels(
        organization=organization, references=[each.channel for each in deliveries], prefix=PREFIX
    )
    received = _checked(organization, deliveries, channels)
    stored = _stored(received)
    new = [each for each in received if each.identity not in stored]
    _store(organization, new)
    return [stored.get(each.identity, each.run) for each in received]


def _checked(
    organization: Organization, deliveries: Sequence[Delivery], channels: Sequence[Channel]
) -> list[_Received]:
    now = timezone.now()
    received: list[_Received] = []
    errors: dict[str, list[str]] = {}
    first: dict[Identity, int] = {}
    for index, (delivery, channel) in enumerate(zip(deliveries, channels, strict=True)):
        try:
            found = _received(organization, delivery, channel, now)
        except FieldErrors as wrong:
            errors |= {f"{PREFIX}[{index}].{name}": [message] for name, message in wrong.errors.items()}
            continue
        earlier = first.setdefault(found.identity, index)
        if earlier != index:
            errors[f"{PREFIX}[{index}].issued_at"] = [
                f"is of the same channel, start and issue as {PREFIX}[{earlier}]."
            ]
        received.append(found)
    if errors:
        raise ValidationError(errors)
    return received


def _received(organization: Organization, delivery: Delivery, channel: Channel, now: datetime) -> _Received:
    values = checked_values(delivery, QUANTITIES[channel.quantity], now)
    run = ForecastRun(
        organization=organization,
        channel=channel,
        issued_at=delivery.issued_at,
        known_until=delivery.known_until or delivery.issued_at,
        start=delivery.start,
        end=delivery.end,
        step_seconds=round(delivery.step.total_seconds()),
        count=len(values.mean),
        model=delivery.model,
        version=delivery.version,
        source=delivery.source,
        scores=dict(delivery.scores) if delivery.scores else None,
        received_at=now,
    )
    try:
        run.clean_fields(exclude=UNCHECKED)
    except ValidationError as error:
        raise FieldErrors({name: " ".join(found) for name, found in error.message_dict.items()}) from error
    return _Received(run, values)


def _stored(received: Sequence[_Received]) -> dict[Identity, ForecastRun]:
    """Return what is stored already of what was received; holds the channels, so that nobody stores it meanwhile.

    Raises:
        ValidationError: where it is stored with other values.
    """
    channels = sorted({each.run.channel_id for each in received})
    list(Channel.objects.select_for_update(of=("self",)).filter(pk__in=channels).order_by("pk").values_list("pk"))
    same_issue = ForecastRun.objects.filter(
        channel__in=channels,
        issued_at__in={each.run.issued_at for each in received},
        start__in={each.run.start for each in received},
    )
    rows = {
        (row.channel_id, row.start, row.issued_at, row.source, row.model): row
        for row in same_issue.select_related("series", "channel")
    }
    errors = {
        f"{PREFIX}[{index}].issued_at": f"issued_at is {each.run.issued_at.isoformat()}; a forecast of this issue is "
        "stored with other values. Allowed: a later time of issue."
        for index, each in enumerate(received)
        if each.identity in rows and not each.repeats(rows[each.identity])
    }
    if errors:
        raise ValidationError(errors)
    return rows


def _store(organization: Organization, received: Sequence[_Received]) -> None:
    if not received:
        return
    ForecastRun.objects.bulk_create((each.run for each in received), batch_size=BATCH)
    ForecastValues.objects.bulk_create(
        (ForecastValues(run=each.run, mean=each.values.mean, quantiles=each.values.quantiles) for each in received),
        batch_size=BATCH,
    )
    audit.record(
        organization=organization,
        action="forecastrun.receive",
        instance=received[0].run,
        after={
            "forecasts": [each.run.pk for each in received],
            "channels": [each.run.channel_id for each in received],
            "sources": sorted({each.run.source for each in received}),
        },
    )
