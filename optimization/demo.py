"""The demo's sites, one per named scenario of its region; forecasts and plans of the last days and the coming one."""

import logging
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from assets.models import Portfolio, Site
from assets.queries import devices_by_site
from flexplatform.registry import DemoContext, DemoProblem
from forecasting.models import ForecastRun
from forecasting.services import Delivery, receive_forecasts
from optimization.demo_places import PLACES
from optimization.demo_tariffs import make_tariffs
from optimization.demo_weather import Weather
from optimization.engine import Horizon
from optimization.engine.series import SeriesLike
from optimization.inputs import needed_series, sample_inputs
from optimization.models import PortfolioRun, ScheduleRun
from optimization.portfolio_runs import request_portfolio_run
from optimization.problems import save_devices
from optimization.scenarios import SCENARIOS, Scenario, named_scenario
from telemetry.services import Reference

log = logging.getLogger(__name__)

SOURCE = "demo"
MODEL = "sample day in the day's weather"
DAYS_OF_HISTORY = 5
ISSUED_AT = time(12)


def make_sites(context: DemoContext) -> list[DemoProblem]:
    """Make a site with its devices for every named scenario that has none yet, and the tariffs that it pays."""
    problems = []
    existing = set(Site.objects.exclude(external_id="").values_list("external_id", flat=True))
    for scenario in _wanted(context):
        if scenario.name in existing:
            continue
        context.progress(scenario.title)
        try:
            _make_site(context, scenario)
        except Exception as error:
            log.info("The demo site %s could not be made.", scenario.name, exc_info=True)
            problems.append(DemoProblem(scenario.name, str(error)))
    make_tariffs(context, list(_wanted(context)))
    return problems


def make_forecasts(context: DemoContext) -> list[DemoProblem]:
    """Deliver the sample day as forecasts of every day that a demo site has none of yet."""
    sites = _sites(context)
    forecast = set(ForecastRun.objects.filter(source=SOURCE).values_list("channel__site_id", "start"))
    deliveries: list[Delivery] = []
    for site in sites:
        for day in _days(context):
            horizon = Horizon.market_day(day, site.zone)
            if (site.pk, horizon.start) not in forecast:
                deliveries += _sample_forecasts(site, horizon, day)
    if deliveries:
        context.progress(f"{len(deliveries)} forecasts")
        receive_forecasts(organization=context.organization, deliveries=deliveries)
    return []


def request_plans(context: DemoContext) -> list[DemoProblem]:
    """Ask the workers to plan every day that a demo site has no plan of, the coming one first."""
    problems = []
    sites = _sites(context)
    for day in _days(context) if sites else ():
        starts = {site.pk: Horizon.market_day(day, site.zone).start for site in sites}
        planned = ScheduleRun.objects.filter(site__in=starts, start__in=set(starts.values())).values("site").distinct()
        asked = PortfolioRun.objects.filter(day=day, job__finished_at__isnull=True)
        if planned.count() == len(starts) or asked.exists():
            continue
        context.progress(f"{day:%d %B}")
        try:
            request_portfolio_run(organization=context.organization, when=day)
        except Exception as error:
            log.info("Plans of %s could not be asked for.", day, exc_info=True)
            problems.append(DemoProblem(f"plans of {day:%d %B}", str(error)))
    return problems


def _days(context: DemoContext) -> list[date]:
    """Return the coming day, today and the days of history, the newest first."""
    return [context.day - timedelta(days=back) for back in range(DAYS_OF_HISTORY + 2)]


def _sites(context: DemoContext) -> list[Site]:
    names = [scenario.name for scenario in _wanted(context)]
    return list(Site.objects.filter(external_id__in=names).order_by("name"))


def _sample_forecasts(site: Site, horizon: Horizon, day: date) -> Iterator[Delivery]:
    """Yield a forecast of each series that the site's devices need; the air is the same for all of them."""
    sample, weather = sample_inputs(site, horizon).devices, Weather.of(day)
    found: dict[Reference, SeriesLike] = {}
    for row in devices_by_site([site])[site.pk]:
        for name in needed_series(row):
            values: SeriesLike = weather.on(name, sample[row.name][name])
            if name == "yield_kw_per_kw":
                values = -np.asarray(values) * row.capacity_kw  # type: ignore[attr-defined]
            quantity = "available_power_kw" if name == "yield_kw_per_kw" else name
            owner = None if name == "ambient_temperature_c" else row.pk
            found[Reference(site=site.pk, asset=owner, quantity=quantity)] = values
    the_day_before = datetime.combine(day - timedelta(days=1), ISSUED_AT, site.zone)
    for channel, values in found.items():
        yield Delivery(
            channel=channel,
            issued_at=min(the_day_before, timezone.now()),
            start=horizon.start,
            step=horizon.step,
            values=np.broadcast_to(values, horizon.count),
            source=SOURCE,
            model=MODEL,
        )


def _wanted(context: DemoContext) -> Iterator[Scenario]:
    for name in context.only or SCENARIOS:
        if name in PLACES[context.region]:
            yield named_scenario(name)


@transaction.atomic
def _make_site(context: DemoContext, scenario: Scenario) -> Site:
    place = PLACES[context.region][scenario.name]
    site = Site(
        organization=context.organization,
        portfolio=Portfolio.objects.get(name=context.region),
        name=place.name,
        slug=slugify(scenario.name.replace("_", "-")),
        address=place.address,
        latitude=place.latitude,
        longitude=place.longitude,
        time_zone=context.organization.time_zone,
        import_limit_kw=scenario.connection.import_limit_kw,
        export_limit_kw=scenario.connection.export_limit_kw,
        external_id=scenario.name,
    )
    site.full_clean()
    site.save()
    horizon = Horizon.market_day(context.day, site.zone)
    series = scenario.sample_series(horizon, site.zone)
    save_devices(site, scenario.devices(series, horizon, site.zone))
    return site
