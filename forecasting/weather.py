"""Weather at sites as forecast models take it, each step as it was known at a time, or some hours before it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import numpy as np
from django.db.models import QuerySet

from assets.models import Site
from forecasting.engine import protocol
from forecasting.engine.grid import GridLike, Piece, Series, end_of, stitched
from forecasting.models import ForecastRun
from forecasting.queries import forecasts_of_channels, known

# Names of the models' inputs, by quantity of a site's channels.
INPUTS: Mapping[str, str] = {
    "ambient_temperature_c": protocol.TEMPERATURE,
    "irradiance_w_per_m2": protocol.IRRADIANCE,
    "direct_normal_irradiance_w_per_m2": "dni_w_per_m2",
    "diffuse_irradiance_w_per_m2": "dhi_w_per_m2",
    "wind_speed_m_per_s": protocol.WIND_SPEED_10M,
    "wind_speed_100m_m_per_s": protocol.WIND_SPEED_100M,
}


def weather_of(
    sites: Iterable[Site], grid: GridLike, known_at: datetime | None = None, *, lead: timedelta | None = None
) -> dict[int, dict[str, Series]]:
    """Return the weather of each site over a grid by its id and the name of the input, as known at a time (None: now).

    With `lead`, each step is told as it was forecast at least that long before the step began: what a model is trained
    with looks then as what it is asked with. Steps of which nothing was known are not-a-number; a quantity of which
    nothing at all was known is missing. One query, whatever the number of sites.
    """
    found: dict[int, dict[str, Series]] = {site.pk: {} for site in sites}
    runs = ForecastRun.objects.filter(
        channel__site__in=list(found), channel__asset=None, channel__quantity__in=list(INPUTS)
    )
    named: Iterable[tuple[int, str, Series]]
    if lead is None:
        told = forecasts_of_channels(runs, grid, known_at)
        named = ((site, quantity, forecast.mean) for (site, (_, quantity)), forecast in told.items())
    else:
        named = _issued_before(runs, grid, known_at, lead)
    for site, quantity, values in named:
        found[site][INPUTS[quantity]] = values
    return found


def _issued_before(
    runs: "QuerySet[ForecastRun]", grid: GridLike, known_at: datetime | None, lead: timedelta
) -> Iterator[tuple[int, str, Series]]:
    rows = known(runs.filter(start__lt=end_of(grid), end__gt=grid.start), known_at).order_by("issued_at", "id")
    pieces: dict[tuple[int, str], list[Piece]] = defaultdict(list)
    columns = ("channel__site_id", "channel__quantity", "id", "issued_at", "start", "step_seconds", "series__mean")
    for site, quantity, pk, issued_at, start, seconds, mean in rows.values_list(*columns):
        piece = _from(Piece(pk, start, timedelta(seconds=seconds), mean[np.newaxis]), issued_at + lead)
        if piece is not None:
            pieces[site, quantity].append(piece)
    for (site, quantity), own in pieces.items():
        values, keys = stitched(own, grid, 1)
        if keys.any():
            yield site, quantity, values[0]


def _from(piece: Piece, moment: datetime) -> Piece | None:
    """Return a piece without the steps that begin before a time; None where nothing is left."""
    skipped = max(-((piece.start - moment) // piece.step), 0)
    if skipped >= piece.rows.shape[1]:
        return None
    return Piece(piece.key, piece.start + skipped * piece.step, piece.step, piece.rows[:, skipped:])
