"""The platform's own forecasts: a chunk of channels loaded at once, forecast by kind, stored in pieces."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.engine.chain import Chained, Fit, forecast
from forecasting.engine.grid import Series
from forecasting.engine.models import MODELS
from forecasting.engine.protocol import Batch, Fitted, Model
from forecasting.histories import STEP, STEP_SECONDS, Known, by_kind, histories_of, origin_of, steps_ahead
from forecasting.model_store import store
from forecasting.models import ChannelForecast, ForecastRun, ForecastValues
from forecasting.services.own_channels import OWN
from telemetry.models import Channel
from telemetry.quantities import QUANTITIES

# How a piece is stored: `work.writing` of a job, or a transaction.
Writing = Callable[[], AbstractContextManager[None]]
Progress = Callable[[float, str], None]
# Models hold all days of these at once; more at a time is no faster.
PIECE = 32
RARELY_TRAINED_DAYS = 7
NO_MODEL = (
    "No model can forecast it yet: it needs 1 day of readings, or the device's own parameters, such as the annual "
    "demand of a load."
)
DEAD = "It has told nothing new since {since:%Y-%m-%d %H:%M} UTC, so it is not forecast until it does."


@dataclass(frozen=True, eq=False)
class Made:
    """What became of a channel: a forecast, or the reason why there is none."""

    own: ChannelForecast
    known: Known | None = None
    mean: Series = field(default_factory=partial(np.empty, 0))
    quantiles: Series = field(default_factory=partial(np.empty, 0))
    model: str = ""
    problem: str = ""


@dataclass
class Outcome:
    """How many channels of a chunk have a forecast, and why others have none, by the id of the channel."""

    forecasts: int = 0
    left_out: dict[int, str] = field(default_factory=dict)


def forecast_channels(
    *,
    organization: Organization,
    own: Sequence[int],
    at: datetime,
    writing: Writing = transaction.atomic,
    progress: Progress | None = None,
) -> Outcome:
    """Forecast channels as known at a time until the end of their next local day, and store that in pieces.

    What has a forecast of this time already is left as it is. A channel that cannot be forecast fails alone.
    """
    rows = list(
        ChannelForecast.objects.filter(pk__in=own, organization=organization).select_related(
            "channel__site__organization", "channel__asset"
        )
    )
    origin = origin_of(at)
    done = set(
        ForecastRun.objects.filter(channel__own_forecast__in=own, source=OWN, issued_at=at).values_list(
            "channel", flat=True
        )
    )
    rest = [row for row in rows if row.channel_id not in done]
    outcome = Outcome(forecasts=len(rows) - len(rest))
    if not rest:
        return outcome
    seen = 0
    for piece in _made(organization, rest, origin, at):
        with writing():
            _store(organization, piece, at, origin)
        outcome.forecasts += sum(not each.problem for each in piece)
        seen += len(piece)
        if progress:
            progress(seen / len(rest), f"{seen} of {len(rest)} channels")
        outcome.left_out |= {each.own.channel_id: each.problem for each in piece if each.problem}
    return outcome


def _made(
    organization: Organization, rows: Sequence[ChannelForecast], origin: datetime, at: datetime
) -> Iterator[list[Made]]:
    """Yield pieces of channels with what became of each; all of them are loaded at once."""
    histories = histories_of(rows, origin, at)
    alive = [each for each in histories.known if not each.is_dead]
    if dead := [each for each in histories.known if each.is_dead]:
        yield [Made(each.own, each, problem=_dead(each, origin)) for each in dead]
    if histories.unfit:
        yield [Made(row, problem=histories.unfit[row.pk]) for row in rows if row.pk in histories.unfit]
    for kind, zone, members in by_kind(alive):
        for begin in range(0, len(members), PIECE):
            piece = members[begin : begin + PIECE]
            batch = histories.batch(piece, steps_ahead(origin, zone))
            first = [each.own.model for each in piece]
            yield list(_results(piece, forecast(batch, first, trained(organization, kind))))


def trained(organization: Organization, kind: str) -> Fit:
    """Return how models get trained here: at once, or rarely and then kept on disk."""

    def fit(model: Model, batch: Batch) -> Fitted | None:
        if model.fit_every_days > RARELY_TRAINED_DAYS:
            return store.load(organization.pk, kind, model)
        return model.fit(batch)

    return fit


def _results(piece: Sequence[Known], chained: Chained) -> Iterator[Made]:
    for row, known in enumerate(piece):
        if not chained.models[row]:
            yield Made(known.own, known, problem=chained.problems.get(row, NO_MODEL))
            continue
        mean, quantiles = chained.prediction.mean[row], chained.prediction.quantiles[row]
        possible = QUANTITIES[known.own.channel.quantity]
        mean, quantiles = (np.clip(each, possible.lowest, possible.highest) for each in (mean, quantiles))
        yield Made(known.own, known, mean, quantiles, chained.models[row])


def _dead(known: Known, origin: datetime) -> str:
    steps = len(known.values) - int(np.flatnonzero(np.isfinite(known.values))[-1]) - 1
    return DEAD.format(since=origin - steps * STEP)


def _store(organization: Organization, made: Sequence[Made], at: datetime, origin: datetime) -> None:
    """Store forecasts that are not there yet, and on each channel what was found."""
    channels = [each.own.channel_id for each in made]
    # Held, so that two jobs for the same time store each forecast once.
    list(Channel.objects.select_for_update(of=("self",)).filter(pk__in=channels).order_by("pk").values_list("pk"))
    there = ForecastRun.objects.filter(channel__in=channels, source=OWN, issued_at=at)
    done = set(there.values_list("channel", flat=True))
    new = [each for each in made if each.model and each.own.channel_id not in done]
    now = timezone.now()
    runs = ForecastRun.objects.bulk_create(_run(organization, each, at, origin, now) for each in new)
    ForecastValues.objects.bulk_create(
        ForecastValues(run=run, mean=each.mean, quantiles=each.quantiles.ravel())
        for run, each in zip(runs, new, strict=True)
    )
    for each in made:
        each.own.checked_at, each.own.problem, each.own.quality = at, each.problem, _quality(each.known)
    ChannelForecast.objects.bulk_update([each.own for each in made], ["checked_at", "problem", "quality"])
    if runs:
        told = {"forecasts": [run.pk for run in runs], "channels": [run.channel_id for run in runs], "sources": [OWN]}
        audit.record(organization=organization, action="forecastrun.make", instance=runs[0], after=told)


def _run(organization: Organization, made: Made, at: datetime, origin: datetime, now: datetime) -> ForecastRun:
    return ForecastRun(
        organization=organization,
        channel=made.own.channel,
        issued_at=at,
        known_until=origin,
        start=origin,
        end=origin + len(made.mean) * STEP,
        step_seconds=STEP_SECONDS,
        count=len(made.mean),
        model=made.model,
        version=MODELS[made.model].version,
        source=OWN,
        received_at=now,
    )


def _quality(known: Known | None) -> dict[str, Any]:
    """Return what is wrong with the readings, in steps, and the share that models learn from."""
    if known is None or known.quality is None:
        return {}
    found = known.quality
    return {
        "days": round(found.steps * (STEP_SECONDS / 86400), 2),
        "usable_percent": round(100 * found.usable_share, 1),
        "filled": found.filled,
        "dead": found.dead,
        **found.found,
    }
