"""How good forecasts were, once it is known what came; and whether a channel has drifted from its back-test."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.db import transaction
from django.utils import timezone

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.engine.grid import Series
from forecasting.engine.models import MODELS, NAIVE
from forecasting.engine.protocol import DAY, LEVELS, Batch, ChannelFacts
from forecasting.engine.scores import Score, score
from forecasting.facts import KINDS
from forecasting.histories import STEP_SECONDS, origin_of
from forecasting.models import ChannelForecast, ForecastRun
from forecasting.services.forecasting import Progress, Writing
from forecasting.services.own_channels import OWN
from telemetry.queries import means_of

# Readings may come late; what is not known after two weeks will not be.
LATE, GIVEN_UP_AFTER = timedelta(minutes=30), timedelta(days=14)
HISTORY = timedelta(days=28)
AT_ONCE = 250
MOST_AT_A_TIME = 5000
LEAST_SHARE = 0.5
RECENT, LEAST_RUNS = timedelta(days=7), 3
DRIFTED_PINBALL, DRIFTED_COVERAGE_PERCENT = 1.5, 60.0
BY_QUANTILES = ("pinball_percent", "coverage_percent")


class _Steps(NamedTuple):
    """What runs have in common that are scored together."""

    origin: datetime
    start: datetime
    steps: int
    step_seconds: int
    time_zone: str

    @property
    def step(self) -> timedelta:
        return timedelta(seconds=self.step_seconds)


def score_forecasts(
    *,
    organization: Organization,
    writing: Writing = transaction.atomic,
    progress: Progress | None = None,
) -> int:
    """Score the runs whose time is over and that have no scores yet, and tell what has drifted; return how many."""
    now = timezone.now()
    over = ForecastRun.objects.filter(
        organization=organization,
        scores__isnull=True,
        end__lte=now - LATE,
        end__gt=now - GIVEN_UP_AFTER,
        channel__last_at__isnull=False,
    )
    runs = over.select_related("series", "channel__asset", "channel__site").order_by("end", "pk")[:MOST_AT_A_TIME]
    groups: dict[_Steps, list[ForecastRun]] = defaultdict(list)
    for run in runs:
        if (steps := _steps_of(run)) is not None:
            groups[steps].append(run)
    scored = 0
    for number, (steps, members) in enumerate(groups.items()):
        for begin in range(0, len(members), AT_ONCE):
            found = list(_scored(steps, members[begin : begin + AT_ONCE]))
            with writing():
                ForecastRun.objects.bulk_update(found, ["scores"])
            scored += len(found)
        if progress:
            progress(number / len(groups), f"{scored} forecasts")
    with writing():
        _note_drift(organization, now)
    return scored


def _steps_of(run: ForecastRun) -> _Steps | None:
    """Return the steps of a run; None where readings are not kept in such steps."""
    fits = run.step_seconds % STEP_SECONDS == 0 and DAY % timedelta(seconds=run.step_seconds) == timedelta(0)
    if not fits or origin_of(run.start) != run.start:
        return None
    step = timedelta(seconds=run.step_seconds)
    known = min(run.known_until, run.start)
    # The naive forecast of the same steps is made of what was known, in the same steps.
    origin = run.start + (known - run.start) // step * step
    return _Steps(origin, run.start, run.count, run.step_seconds, run.channel.site.time_zone)


def _scored(steps: _Steps, runs: Sequence[ForecastRun]) -> Iterator[ForecastRun]:
    past = HISTORY // steps.step
    ahead = (steps.start - steps.origin) // steps.step + steps.steps
    channels = [run.channel_id for run in runs]
    values = means_of(channels, steps.origin - past * steps.step, steps.step_seconds, past + ahead)
    outcome = values[:, -steps.steps :]
    naive = _naive(steps, runs, values[:, :past], ahead)
    for row, run in enumerate(runs):
        if np.isfinite(outcome[row]).mean() < LEAST_SHARE:
            continue
        run.scores = _scores(run, outcome[row], naive[row])
        yield run


def _naive(steps: _Steps, runs: Sequence[ForecastRun], past: Series, ahead: int) -> list[tuple[Series, Series]]:
    facts = [ChannelFacts(str(run.channel_id), _kind(run), steps.time_zone) for run in runs]
    batch = Batch(facts, steps.origin, steps.step, ahead, past)
    found = MODELS[NAIVE].fit(batch).predict(batch)
    return [(found.mean[row, -steps.steps :], found.quantiles[row, :, -steps.steps :]) for row in range(len(runs))]


def _kind(run: ForecastRun) -> str:
    asset = run.channel.asset
    return KINDS.get(asset.kind, ("load",))[0] if asset else "load"


def _scores(run: ForecastRun, outcome: Series, naive: tuple[Series, Series]) -> dict[str, float]:
    mean = np.asarray(run.series.mean)
    given = run.series.by_level
    if len(given) < len(LEVELS):
        # Without a band there is nothing to say of it.
        told = score(mean, np.repeat(mean[None], len(LEVELS), axis=0), outcome)
        assert told is not None  # noqa: S101
        return {name: value for name, value in told.as_json().items() if name not in BY_QUANTILES}
    told = score(mean, np.stack([given[level] for level in LEVELS]), outcome)
    assert told is not None  # noqa: S101
    return told.as_json(_same_steps(naive, outcome))


def _same_steps(naive: tuple[Series, Series], outcome: Series) -> Score | None:
    return score(*naive, outcome)


def _note_drift(organization: Organization, now: datetime) -> None:
    """Note on each channel how good its forecasts of the last week were, and whether that is much worse than before."""
    recent = ForecastRun.objects.filter(
        organization=organization, source=OWN, scores__isnull=False, end__gt=now - RECENT, end__lte=now
    )
    found: dict[int, list[dict[str, float]]] = defaultdict(list)
    for channel, scores in recent.order_by().values_list("channel", "scores"):
        found[channel].append(scores or {})
    changed, told = [], []
    for own in ChannelForecast.objects.filter(organization=organization).order_by("pk"):
        before = own.drifted
        own.recent_scores = _mean(found[own.channel_id]) if own.channel_id in found else None
        own.drifted = len(found[own.channel_id]) >= LEAST_RUNS and _has_drifted(own)
        changed.append(own)
        if own.drifted != before:
            told.append((own, {"drifted": before}, {"drifted": own.drifted}))
    ChannelForecast.objects.bulk_update(changed, ["recent_scores", "drifted"], batch_size=500)
    audit.record_many(organization=organization, action="channelforecast.drift", rows=told)


def _mean(scores: Sequence[dict[str, float]]) -> dict[str, float]:
    names = set.intersection(*(set(each) for each in scores))
    return {name: round(float(np.mean([each[name] for each in scores])), 4) for name in sorted(names)}


def _has_drifted(own: ChannelForecast) -> bool:
    recent = own.recent_scores or {}
    expected = own.scores_by_model.get(own.model, {}).get("pinball_percent")
    much_worse = expected is not None and recent.get("pinball_percent", 0.0) > DRIFTED_PINBALL * expected
    return much_worse or recent.get("coverage_percent", 100.0) < DRIFTED_COVERAGE_PERCENT
