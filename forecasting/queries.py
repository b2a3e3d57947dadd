"""Reads of forecasts, as known now or as known then."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from assets.models import Site
from forecasting.engine.grid import GridLike, Piece, Series, end_of, stitched
from forecasting.models import LEVELS, ForecastRun
from telemetry.models import Channel

# A device's id (None: the site itself) and the name of a quantity.
Key = tuple[int | None, str]


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is expected of a channel over a horizon, each step from the newest delivery that covers it.

    Steps that none covers are not-a-number. `runs` are the ids of the deliveries used, newest first; `issued_at` and
    `source` are those of the newest. `quantiles` has nine rows, 0.1 to 0.9; None where they were not asked for.
    """

    mean: Series
    quantiles: Series | None
    runs: tuple[int, ...]
    issued_at: datetime
    source: str

    @property
    def complete(self) -> bool:
        """Whether every step is covered."""
        return not bool(np.isnan(self.mean).any())

    def quantile(self, level: float) -> Series | None:
        """Return a quantile; None where no step has it."""
        if self.quantiles is None:
            return None
        found: Series = self.quantiles[LEVELS.index(level)]
        return None if np.isnan(found).all() else found


def newest_forecast(channel: Channel, horizon: GridLike, known_at: datetime | None = None) -> Forecast | None:
    """Return what is expected of a channel, with its quantiles, as known at a time (None: now); one query.

    None where no delivery touches the horizon.
    """
    found = forecasts_of_channels(ForecastRun.objects.filter(channel=channel), horizon, known_at, quantiles=True)
    return next(iter(found.values()), None)


def forecasts_of(
    sites: Iterable[Site], horizon: GridLike, known_at: datetime | None = None, *, quantiles: bool = False
) -> dict[int, dict[Key, Forecast]]:
    """Return what is expected of every channel of the sites, by the site's id and the channel's device and quantity.

    One query, whatever the number of sites; as known at a time (None: now).
    """
    found: dict[int, dict[Key, Forecast]] = {site.pk: {} for site in sites}
    runs = ForecastRun.objects.filter(channel__site__in=list(found))
    for (site, key), forecast in forecasts_of_channels(runs, horizon, known_at, quantiles=quantiles).items():
        found[site][key] = forecast
    return found


def known(runs: "QuerySet[ForecastRun]", known_at: datetime | None) -> "QuerySet[ForecastRun]":
    """Return the forecasts that were issued until a time (None: now)."""
    return runs.filter(issued_at__lte=known_at or timezone.now())


def newest_runs(site: Site, known_at: datetime | None = None) -> dict[int, ForecastRun]:
    """Return the newest forecast of each channel of a site by the channel's id, as known at a time; one query."""
    of_channel = known(ForecastRun.objects.filter(channel=OuterRef("pk")), known_at).order_by("-issued_at", "-id")
    newest = Channel.objects.filter(site=site).values_list(Subquery(of_channel.values("id")[:1]))
    runs = ForecastRun.objects.filter(pk__in=newest).select_related("channel__asset")
    return {run.channel_id: run for run in runs}


def _needed(runs: "QuerySet[ForecastRun]", horizon: GridLike, known_at: datetime | None) -> "QuerySet[ForecastRun]":
    """Return the runs that touch the horizon and of which no single newer one covers all that they say of it.

    A newer run is looked for from the newest on along the index, as the newest replaces nearly all others. EXISTS
    would become a join, which PostgreSQL makes the wrong way round until its statistics are new.
    """
    start, end = horizon.start, end_of(horizon)
    later = Q(issued_at__gt=OuterRef("issued_at")) | Q(issued_at=OuterRef("issued_at"), id__gt=OuterRef("id"))
    newer = known(ForecastRun.objects.filter(channel=OuterRef("channel")), known_at).filter(
        later,
        Q(start__lte=OuterRef("start")) | Q(start__lte=start),
        Q(end__gte=OuterRef("end")) | Q(end__gte=end),
    )
    first = Subquery(newer.order_by("-issued_at", "-id").values("id")[:1])
    touching = known(runs.filter(start__lt=end, end__gt=start), known_at)
    return touching.annotate(replaced_by=first).filter(replaced_by__isnull=True)


def forecasts_of_channels(
    runs: "QuerySet[ForecastRun]", horizon: GridLike, known_at: datetime | None = None, *, quantiles: bool = False
) -> dict[tuple[int, Key], Forecast]:
    """Return what is expected of each channel that some runs are of, by site, and device and quantity; one query."""
    columns = ["id", "issued_at", "source", "start", "step_seconds", "series__mean"]
    columns += ["series__quantiles"] if quantiles else []
    owner = ("channel__site_id", "channel__asset_id", "channel__quantity")
    by_channel: dict[tuple[int, Key], list[Mapping[str, Any]]] = defaultdict(list)
    for row in _needed(runs, horizon, known_at).order_by("issued_at", "id").values(*owner, *columns):
        site, asset, quantity = (row[name] for name in owner)
        by_channel[site, (asset, quantity)].append(row)
    lines = 1 + len(LEVELS) if quantiles else 1
    found = {key: _forecast(rows, horizon, lines) for key, rows in by_channel.items()}
    return {key: forecast for key, forecast in found.items() if forecast is not None}


def _forecast(rows: list[Mapping[str, Any]], horizon: GridLike, lines: int) -> Forecast | None:
    values, keys = stitched((_piece(row) for row in rows), horizon, lines)
    used = [row for row in reversed(rows) if row["id"] in keys]
    if not used:
        return None
    return Forecast(
        mean=values[0],
        quantiles=values[1:] if lines > 1 else None,
        runs=tuple(row["id"] for row in used),
        issued_at=used[0]["issued_at"],
        source=used[0]["source"],
    )


def _piece(row: Mapping[str, Any]) -> Piece:
    mean: npt.NDArray[np.float64] = row["series__mean"][np.newaxis]
    delivered = row.get("series__quantiles")
    rows = mean if delivered is None else np.vstack([mean, delivered.reshape(len(LEVELS), -1)])
    return Piece(row["id"], row["start"], timedelta(seconds=row["step_seconds"]), rows)
