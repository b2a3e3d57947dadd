"""What is known here of a site that FlexMeasures shall know too, and which sites have news."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from assets.models import Asset, Photovoltaic, Site, Wind
from flexmarket.flexmeasures import mapping
from flexmarket.flexmeasures.mapping import SensorKind, Told
from flexmarket.models import FlexMeasuresLink
from flexplatform.accounts.models import Organization
from forecasting.engine.grid import Grid
from forecasting.models import ForecastRun
from forecasting.queries import forecasts_of
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.queries import LONGEST_HORIZON, current_runs
from telemetry.quantities import ELECTRIC_KINDS

WITH_SOC = frozenset({"battery", "electric_vehicle", "heat_storage"})
PLANTS: tuple[type[Photovoltaic | Wind], ...] = (Photovoltaic, Wind)
CAPACITY = "capacity_kw"
ALL_ANEW = timedelta(days=1)
SITE = None
ByOwner = dict[int | None, dict[str, list[Told]]]


@dataclass(frozen=True, eq=False)
class Reflected:
    """A site with its devices, and what is told of each: series by the sensor's name, by device id (None: the site)."""

    site: Site
    assets: list[Asset]
    told: ByOwner

    def sensors(self, asset: Asset | None) -> dict[str, list[Told]]:
        """Return the sensors that the site or a device has, those without a series too."""
        known = dict(self.told.get(asset.pk if asset else SITE, {}))
        for kind in _standard(asset):
            known.setdefault(kind.name, [])
        return known


def reflected(site: Site, grid: Grid) -> Reflected:
    """Return what is known of a site over the coming steps; the same number of queries for any site."""
    told: ByOwner = defaultdict(lambda: defaultdict(list))
    for owner, kind, series in (*_planned(site, grid), *_forecast(site, grid)):
        told[owner][kind.name].append(series)
    return Reflected(site, list(Asset.objects.filter(site=site).order_by("name")), told)


def with_news(organization: Organization, now: datetime) -> "QuerySet[Site]":
    """Return the sites that were planned or forecast since they were pushed, or failed, or were not for a day."""
    link = FlexMeasuresLink.objects.filter(site=OuterRef("pk"), asset=None).values("pushed_at")
    failed = FlexMeasuresLink.objects.filter(site=OuterRef("pk")).exclude(error="").values("pk")
    planned = ScheduleRun.objects.filter(site=OuterRef("pk")).order_by("-created_at").values("created_at")
    forecast = ForecastRun.objects.filter(channel__site=OuterRef("pk")).order_by("-received_at").values("received_at")
    sites = Site.objects.filter(organization=organization).annotate(
        pushed=Subquery(link[:1]),
        failed=Subquery(failed[:1]),
        planned=Subquery(planned[:1]),
        forecast=Subquery(forecast[:1]),
    )
    return sites.filter(
        Q(pushed=None)
        | Q(failed__isnull=False)
        | Q(pushed__lt=now - ALL_ANEW)
        | Q(planned__gt=F("pushed"))
        | Q(forecast__gt=F("pushed"))
    )


def _standard(asset: Asset | None) -> tuple[SensorKind, ...]:
    if asset is None:
        return (mapping.POWER,)
    found = (mapping.POWER,) if asset.kind in ELECTRIC_KINDS else ()
    return (*found, mapping.SOC) if asset.kind in WITH_SOC else found


def _planned(site: Site, grid: Grid) -> Iterator[tuple[int | None, SensorKind, Told]]:
    """Yield the plan of each device and the site, and the prices that it was made with, of all runs not yet over."""
    runs = {run.pk: run for run in current_runs(site).filter(start__gt=grid.start - LONGEST_HORIZON)}
    rows = ScheduleSeries.objects.filter(run__in=list(runs)).filter(
        Q(role=ScheduleSeries.Role.PLAN, quantity__in=list(mapping.PLANNED))
        | Q(role=ScheduleSeries.Role.INPUT, device="", quantity__in=list(mapping.PRICES))
    )
    for row in rows.order_by("id"):
        if row.device and row.asset_id is None:
            continue
        kinds: Mapping[str, SensorKind] = mapping.PLANNED if row.role == ScheduleSeries.Role.PLAN else mapping.PRICES
        run = runs[row.run_id]
        yield row.asset_id, kinds[row.quantity], _of_run(run, np.asarray(row.values))
    for run in runs.values():
        for name, kind in mapping.PRICES.items():
            if isinstance(run.parameters.get(name), int | float):
                yield SITE, kind, _of_run(run, np.full(run.count, float(run.parameters[name])))


def _of_run(run: ScheduleRun, values: mapping.Series) -> Told:
    return Told(run.start, timedelta(seconds=run.step_seconds), values, run.created_at)


def _forecast(site: Site, grid: Grid) -> Iterator[tuple[int | None, SensorKind, Told]]:
    """Yield the deliveries of forecasts of electric power that say something of the coming steps."""
    found = forecasts_of([site], grid)[site.pk]
    used = [run for (_, quantity), each in found.items() if quantity in mapping.FORECAST for run in each.runs]
    runs = ForecastRun.objects.filter(pk__in=used).select_related("channel__asset", "series")
    capacities = {pk: kw for model in PLANTS for pk, kw in model.objects.filter(site=site).values_list("pk", CAPACITY)}
    for run in runs.order_by("issued_at", "id"):
        asset, quantity = run.channel.asset, run.channel.quantity
        if asset is not None and asset.kind not in ELECTRIC_KINDS:
            continue
        values = mapping.forecast_power(
            quantity, np.asarray(run.series.mean), capacities.get(asset.pk, 0.0) if asset else 0.0
        )
        yield run.channel.asset_id, mapping.FORECAST[quantity], Told(run.start, run.grid.step, values, run.issued_at)
