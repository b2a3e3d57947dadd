"""The stored offers of a day that a filter lets through, as matrices of offers by quarter-hours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet
from django.utils import timezone

from flexmarket.models import FlexibilityOffers
from flexmarket.queries import DEFAULT_METHOD
from flexplatform.accounts.models import Organization
from optimization.engine import Horizon
from optimization.engine.series import Series
from optimization.models import ScheduleRun

Matrix = npt.NDArray[np.float64]
DIRECTIONS = ("positive", "negative")
QUANTITIES = ("power_kw", "energy_kwh", "price_eur_per_kwh")
COLUMNS = tuple(f"{direction}_{quantity}" for direction in DIRECTIONS for quantity in QUANTITIES)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which offers: of a local day, and only of these devices where something is said."""

    day: date
    zone: ZoneInfo
    portfolio: int | None = None
    site: str = ""
    kind: str = ""
    device: str = ""
    method: str = DEFAULT_METHOD

    @property
    def horizon(self) -> Horizon:
        """The quarter-hours of the day: 92, 96 or 100."""
        return Horizon.market_day(self.day, self.zone)


@dataclass(frozen=True)
class Source:
    """The device that offers, and the run that its offers come from."""

    run: int
    site: str
    site_slug: str
    device: str
    kind: str


@dataclass(frozen=True)
class Board:
    """Offers by quarter-hours; `columns` as in `COLUMNS`, one row per source, 0 where nothing is offered."""

    horizon: Horizon
    sources: Sequence[Source]
    columns: Mapping[str, Matrix]

    @property
    def sites(self) -> int:
        """How many sites offer."""
        return len({source.run for source in self.sources})

    def total(self, direction: str, quantity: str) -> Series:
        """Return the sum over all sources per quarter-hour."""
        found: Series = self.columns[f"{direction}_{quantity}"].sum(axis=0)
        return found

    def mean_price(self, direction: str) -> Series:
        """Return the price per quarter-hour in EUR/kWh, weighted by energy; NaN where nothing is offered."""
        energy, price = self.columns[f"{direction}_energy_kwh"], self.columns[f"{direction}_price_eur_per_kwh"]
        total = energy.sum(axis=0)
        mean: Series = np.divide((energy * price).sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0)
        return mean

    def best_step(self) -> int:
        """Return the quarter-hour with the most power on offer, both directions together."""
        return int(np.argmax(self.total("positive", "power_kw") + self.total("negative", "power_kw")))


def board_of(organization: Organization, wanted: Wanted) -> Board:
    """Return what the newest run of each site offers on the day; two queries, whatever the number of sites."""
    runs = newest_runs(organization, wanted)
    rows = list(offers_of(runs, wanted).values_list("run_id", "device", "kind", *COLUMNS))
    sources = [Source(run, runs[run].site.name, runs[run].site.slug, device, kind) for run, device, kind, *_ in rows]
    horizon = wanted.horizon
    columns = {name: np.zeros((len(rows), horizon.count)) for name in COLUMNS}
    by_grid: dict[tuple[datetime, int, int], list[int]] = {}
    for index, row in enumerate(rows):
        run = runs[row[0]]
        by_grid.setdefault((run.start, run.step_seconds, run.count), []).append(index)
    for (start, step_seconds, count), indexes in by_grid.items():
        steps, inside = _steps(horizon, start, step_seconds, count)
        for place, name in enumerate(COLUMNS, 3):
            stacked = np.array([rows[index][place] for index in indexes])
            columns[name][np.ix_(np.array(indexes), np.flatnonzero(inside))] = stacked[:, steps[inside]]
    return Board(horizon, sources, columns)


def newest_day(organization: Organization, zone: ZoneInfo) -> date:
    """Return the last local day that something was planned for; today where there is none."""
    newest = ScheduleRun.objects.filter(organization=organization).order_by("-start").values_list("start", flat=True)
    return (newest.first() or timezone.now()).astimezone(zone).date()


def newest_runs(organization: Organization, wanted: Wanted) -> dict[int, ScheduleRun]:
    """Return the newest run of each site that begins within the day, by its id; one query."""
    horizon = wanted.horizon
    runs = ScheduleRun.objects.filter(organization=organization, start__gte=horizon.start, start__lt=horizon.end)
    if wanted.portfolio is not None:
        runs = runs.filter(site__portfolio=wanted.portfolio)
    if wanted.site:
        runs = runs.filter(site__name__icontains=wanted.site)
    columns = ("organization", "start", "step_seconds", "count", "site__name", "site__slug", "site__time_zone")
    found: dict[int, ScheduleRun] = {}
    for run in runs.select_related("site").only(*columns).order_by("created_at", "id"):
        found[run.site_id] = run
    return {run.pk: run for run in found.values()}


def offers_of(runs: Iterable[int], wanted: Wanted) -> QuerySet[FlexibilityOffers]:
    """Return the offers of runs that the filter lets through."""
    offers = FlexibilityOffers.objects.filter(run__in=list(runs), method=wanted.method)
    if wanted.kind:
        offers = offers.filter(kind=wanted.kind)
    if wanted.device:
        offers = offers.filter(device__icontains=wanted.device)
    return offers.order_by("id")


def runs_without_offers(organization: Organization, wanted: Wanted) -> list[ScheduleRun]:
    """Return the runs of the selection that the method has not quantified yet; two queries."""
    runs = newest_runs(organization, wanted)
    known = FlexibilityOffers.objects.filter(run__in=list(runs), method=wanted.method).order_by()
    quantified = set(known.values_list("run_id", flat=True).distinct())
    return [run for pk, run in runs.items() if pk not in quantified]


def _steps(
    horizon: Horizon, start: datetime, step_seconds: int, count: int
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.bool_]]:
    """Return the step of a run in which each quarter-hour begins, and whether there is one."""
    offset = (horizon.start - start.astimezone(UTC)) / timedelta(seconds=1)
    seconds = offset + np.arange(horizon.count) * horizon.step.total_seconds()
    steps = np.floor(seconds / step_seconds).astype(np.int_)
    return steps, (steps >= 0) & (steps < count)
