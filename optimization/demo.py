"""The demo's sites, one per named scenario, and their schedules of the coming day."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from assets.demo import PORTFOLIO_NAME
from assets.models import Portfolio, Site
from assets.queries import devices_by_site
from flexplatform.registry import DemoContext, DemoProblem
from forecasting.models import ForecastRun
from forecasting.services import Delivery, receive_forecasts
from optimization.demo_tariffs import make_tariffs
from optimization.engine import Horizon
from optimization.engine.series import SeriesLike
from optimization.inputs import needed_series, sample_inputs, site_inputs
from optimization.models import ScheduleRun
from optimization.problems import save_devices
from optimization.scenarios import SCENARIOS, Scenario, named_scenario
from optimization.services import schedule_site
from telemetry.services import Reference

log = logging.getLogger(__name__)

GAP = 1e-3
TIME_LIMIT_SECONDS = 10.0
SOURCE = "demo"


@dataclass(frozen=True)
class Place:
    """Where a demo site stands and what it is called."""

    name: str
    address: str
    latitude: float
    longitude: float


PLACES: dict[str, Place] = {
    "hp": Place("Heat pump house Sendling", "Sendling, Munich", 48.1180, 11.5400),
    "pv": Place("PV house Pasing", "Pasing, Munich", 48.1490, 11.4610),
    "bat": Place("Battery house Dachau", "Dachau", 48.2590, 11.4350),
    "ev": Place("EV house Trudering", "Trudering, Munich", 48.1160, 11.6690),
    "simple_house": Place("Simple house Germering", "Germering", 48.1340, 11.3660),
    "residential_house": Place("Residential house Ismaning", "Ismaning", 48.2260, 11.6720),
    "mini_apartment": Place("Small apartment Schwabing", "Schwabing, Munich", 48.1640, 11.5860),
    "apartment": Place("Apartment Haidhausen", "Haidhausen, Munich", 48.1290, 11.6000),
    "colony": Place("Residential colony Garching", "Garching", 48.2510, 11.6510),
}
ELSEWHERE = Place("", "Munich", 48.1372, 11.5756)


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
    """Deliver the sample day as forecasts of the context's day for every demo site that has none of it yet."""
    names = [scenario.name for scenario in _wanted(context)]
    sites = list(Site.objects.filter(external_id__in=names).order_by("name"))
    forecast = set(ForecastRun.objects.filter(source=SOURCE).values_list("channel__site_id", "start"))
    deliveries: list[Delivery] = []
    for site in sites:
        horizon = Horizon.market_day(context.day, site.zone)
        if (site.pk, horizon.start) not in forecast:
            deliveries += _sample_forecasts(site, horizon)
    if deliveries:
        context.progress(f"{len(deliveries)} forecasts")
        receive_forecasts(organization=context.organization, deliveries=deliveries)
    return []


def make_schedules(context: DemoContext) -> list[DemoProblem]:
    """Schedule the context's day for every demo site that has no schedule of it yet."""
    problems = []
    names = [scenario.name for scenario in _wanted(context)]
    for site in Site.objects.filter(external_id__in=names).order_by("name"):
        horizon = Horizon.market_day(context.day, site.zone)
        if ScheduleRun.objects.filter(site=site, start=horizon.start, count=horizon.count).exists():
            continue
        context.progress(site.name)
        try:
            schedule_site(
                site=site, horizon=horizon, series=site_inputs(site, horizon), gap=GAP, time_limit=TIME_LIMIT_SECONDS
            )
        except Exception as error:
            log.info("The demo site %s could not be scheduled.", site, exc_info=True)
            problems.append(DemoProblem(site.name, str(error)))
    return problems


def _sample_forecasts(site: Site, horizon: Horizon) -> Iterator[Delivery]:
    """Yield a forecast of each series that the site's devices need; the air is the same for all of them."""
    sample = sample_inputs(site, horizon).devices
    found: dict[Reference, SeriesLike] = {}
    for row in devices_by_site([site])[site.pk]:
        for name in needed_series(row):
            values = sample[row.name][name]
            if name == "yield_kw_per_kw":
                values = -np.asarray(values) * row.capacity_kw  # type: ignore[attr-defined]
            quantity = "available_power_kw" if name == "yield_kw_per_kw" else name
            owner = None if name == "ambient_temperature_c" else row.pk
            found[Reference(site=site.pk, asset=owner, quantity=quantity)] = values
    for channel, values in found.items():
        yield Delivery(
            channel=channel,
            issued_at=timezone.now(),
            start=horizon.start,
            step=horizon.step,
            values=np.broadcast_to(values, horizon.count),
            source=SOURCE,
            model="sample day",
        )


def _wanted(context: DemoContext) -> Iterator[Scenario]:
    for name in context.only or SCENARIOS:
        if name in SCENARIOS:
            yield named_scenario(name)


@transaction.atomic
def _make_site(context: DemoContext, scenario: Scenario) -> Site:
    place = PLACES.get(scenario.name, ELSEWHERE)
    name = place.name or scenario.title
    site = Site(
        organization=context.organization,
        portfolio=Portfolio.objects.get(name=PORTFOLIO_NAME),
        name=name,
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
