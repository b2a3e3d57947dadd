"""Reads of what the platform forecasts itself: which channels, how good, how fresh, and the league of the models."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from forecasting.engine.grid import GridLike, end_of
from forecasting.facts import KINDS
from forecasting.model_names import model_label
from forecasting.models import ChannelForecast, ForecastRun
from forecasting.services.own_channels import OWN
from telemetry.models import Channel

# The clock forecasts every night; what is older than this was left out.
STALE_AFTER = timedelta(hours=26)
MOST_ISSUES = 60


@dataclass(frozen=True)
class Issue:
    """A forecast that was issued; `known_from` is the full minute from which it was known."""

    issued_at: datetime
    source: str
    model_label: str
    scores: Mapping[str, float] | None

    @property
    def known_from(self) -> datetime:
        """The first full minute at which it was known."""
        late = timedelta(seconds=self.issued_at.second, microseconds=self.issued_at.microsecond)
        return self.issued_at - late + (timedelta(minutes=1) if late else timedelta())


@dataclass(frozen=True)
class Rank:
    """How good a model was for one channel in the back-test that chose its model."""

    model: str
    label: str
    scores: Mapping[str, float]
    chosen: bool


def listed(rows: "QuerySet[ChannelForecast]") -> "QuerySet[ChannelForecast]":
    """Return channels with their site and device, and `issued_at` of their newest own forecast (None: none)."""
    own = ForecastRun.objects.filter(channel=OuterRef("channel"), source=OWN).order_by("-issued_at", "-id")
    found = rows.annotate(issued_at=Subquery(own.values("issued_at")[:1]))
    return found.select_related("channel__site", "channel__asset")


def not_fresh(now: datetime | None = None) -> Q:
    """Return what finds `listed` channels that should have a newer forecast."""
    since = (now or timezone.now()) - STALE_AFTER
    return Q(enabled=True) & (Q(issued_at=None) | Q(issued_at__lt=since))


def is_stale(own: ChannelForecast, issued_at: datetime | None, now: datetime | None = None) -> bool:
    """Return whether a channel that is switched on should have a newer forecast."""
    return own.enabled and (issued_at is None or issued_at < (now or timezone.now()) - STALE_AFTER)


def ranks(own: ChannelForecast) -> list[Rank]:
    """Return the models that were tried on a channel, the best first."""
    found = [Rank(name, model_label(name), scores, name == own.model) for name, scores in own.scores_by_model.items()]
    return sorted(found, key=lambda each: (each.scores.get("pinball_percent", np.inf), each.model))


def issues(channel: Channel, grid: GridLike) -> list[Issue]:
    """Return the forecasts that touch a time, the newest first, at most `MOST_ISSUES`; one query."""
    touching = ForecastRun.objects.filter(channel=channel, start__lt=end_of(grid), end__gt=grid.start)
    rows = touching.order_by("-issued_at", "-id").values_list("issued_at", "source", "model", "scores")
    return [Issue(at, source, model_label(model), scores) for at, source, model, scores in rows[:MOST_ISSUES]]


def scored(channel: Channel, since: datetime) -> Iterator[tuple[datetime, Mapping[str, float]]]:
    """Yield the begin and the scores of own forecasts of a channel that are known to be good or bad; one query."""
    runs = ForecastRun.objects.filter(channel=channel, source=OWN, scores__isnull=False, start__gte=since)
    for start, scores in runs.order_by("start", "id").values_list("start", "scores"):
        yield start, scores or {}


def league(own: "QuerySet[ChannelForecast]") -> list[dict[str, Any]]:
    """Return the means of the back-test scores by kind and model, the best of each kind first; one query."""
    tried: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    chosen: dict[tuple[str, str], int] = defaultdict(int)
    columns = ("channel__asset__kind", "chosen_model", "scores_by_model")
    for device, best, scores_by_model in own.filter(enabled=True).exclude(scores_by_model={}).values_list(*columns):
        kind = KINDS[device][0] if device else ""
        chosen[kind, best] += 1
        for model, scores in scores_by_model.items():
            tried[kind, model].append(scores)
    found = [
        {"kind": kind, "model": model, "channels": len(rows), "chosen": chosen[kind, model], "scores": _mean(rows)}
        for (kind, model), rows in tried.items()
    ]
    return sorted(found, key=lambda each: (each["kind"], each["scores"]["pinball_percent"], each["model"]))


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    names = set.intersection(*(set(each) for each in rows))
    return {name: round(float(np.mean([each[name] for each in rows])), 4) for name in sorted(names)}
