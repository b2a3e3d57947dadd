"""Weather of all sites of an organization: fetched by location, stored as forecasts of the sites' own channels."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils import timezone

from assets.models import Asset, Site
from flexplatform.accounts.models import Organization
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.registry import Result
from flexplatform.jobs.work import Work
from forecasting.models import ForecastRun, WeatherFeed
from forecasting.providers import WEATHER, WeatherProvider
from forecasting.providers.http import Http
from forecasting.providers.protocol import Location, ProviderError, Weather
from forecasting.services.checks import Delivery
from forecasting.services.deliveries import MOST_FORECASTS, receive_forecasts
from forecasting.services.feeds import FAILURES, key_for, note_failure, note_success
from telemetry.services import Reference

Item = TypeVar("Item")
# Asked again within this time, the answer is the one before.
CACHE_SECONDS = 30 * 60
OF_EVERY_SITE = frozenset({"ambient_temperature_c", "irradiance_w_per_m2"})
OF_KINDS: Mapping[str, frozenset[str]] = {
    "pv": frozenset({"direct_normal_irradiance_w_per_m2", "diffuse_irradiance_w_per_m2", "wind_speed_m_per_s"}),
    "wind": frozenset({"wind_speed_m_per_s", "wind_speed_100m_m_per_s"}),
}


@dataclass(frozen=True, eq=False)
class Fetched:
    """A provider's answer for one place, and when it came."""

    at: datetime
    weather: Weather


def fetch_weather(work: Work, http: Http) -> Result:
    """Fetch and store the weather of the organization's sites; sites that an earlier attempt stored are left out.

    Raises:
        JobError: names the provider and what is wrong; what was fetched before stays.
    """
    feed = WeatherFeed.objects.filter(organization=work.organization).first()
    if feed is None:
        raise JobError("No weather is fetched here any more.")
    try:
        sites = _fetch(work, feed, http)
    except FAILURES as error:
        with work.writing():
            note_failure(feed, error)
        raise JobError(f"{error} Forecasts of the weather from before stay.") from None
    with work.writing():
        note_success(feed)
    return {"sites": sites}


def _fetch(work: Work, feed: WeatherFeed, http: Http) -> int:
    provider = WEATHER.get(feed.provider)
    if provider is None:
        raise ProviderError(f"{feed.provider} is no provider any more.")
    key = key_for(work.organization, feed.provider)
    places = _places(work, provider)
    done = 0
    for chunk in _parts(sorted(places), provider.most_locations):
        work.report(done / len(places), f"{done} of {len(places)} places")
        found = _asked(work.organization, provider, http, chunk, key)
        deliveries = [
            each for place in chunk for site in places[place] for each in _deliveries(site, found[place], provider)
        ]
        for part in _parts(deliveries, MOST_FORECASTS):
            with work.writing():
                _store(work.organization, part, provider)
        _remember(work.organization, provider, found)
        done += len(chunk)
    return sum(len(sites) for sites in places.values())


@dataclass(frozen=True)
class _Needs:
    """A site, and the quantities that it needs."""

    site: int
    quantities: frozenset[str]


def _places(work: Work, provider: WeatherProvider) -> dict[Location, list[_Needs]]:
    """Return the sites at each rounded place that are still to be done."""
    kinds: dict[int, set[str]] = defaultdict(set)
    devices = Asset.objects.filter(site__organization=work.organization, kind__in=OF_KINDS).order_by()
    for site, kind in devices.values_list("site", "kind"):
        kinds[site].add(kind)
    runs = ForecastRun.objects.filter(source=provider.label, issued_at__gte=work.job.created_at)
    done = set(runs.filter(channel__asset=None).order_by().values_list("channel__site", flat=True).distinct())
    places: dict[Location, list[_Needs]] = defaultdict(list)
    sites = Site.objects.filter(organization=work.organization).order_by("pk")
    for pk, latitude, longitude in sites.values_list("pk", "latitude", "longitude"):
        if pk not in done:
            quantities = OF_EVERY_SITE.union(*(OF_KINDS[kind] for kind in kinds[pk]))
            places[Location.near(latitude, longitude)].append(_Needs(pk, quantities))
    return dict(places)


def _asked(
    organization: Organization, provider: WeatherProvider, http: Http, places: Sequence[Location], key: str
) -> dict[Location, Fetched]:
    names = {_cached_as(organization, provider, each): each for each in places}
    found: dict[Location, Fetched] = {names[name]: each for name, each in cache.get_many(list(names)).items()}
    missing = [each for each in places if each not in found]
    if missing:
        answers = provider.forecast(http, missing, key)
        now = timezone.now()
        found |= {place: Fetched(now, weather) for place, weather in zip(missing, answers, strict=True)}
    return found


def _remember(organization: Organization, provider: WeatherProvider, found: Mapping[Location, Fetched]) -> None:
    """Keep answers that could be stored; what was kept already stays as old as it is."""
    for place, each in found.items():
        cache.add(_cached_as(organization, provider, place), each, CACHE_SECONDS)


def _cached_as(organization: Organization, provider: WeatherProvider, place: Location) -> str:
    return f"weather/{organization.pk}/{provider.name}/{place.latitude}/{place.longitude}"


def _deliveries(needs: _Needs, found: Fetched, provider: WeatherProvider) -> Iterator[Delivery]:
    for quantity, series in found.weather.items():
        if quantity in needs.quantities:
            yield Delivery(
                channel=Reference(site=needs.site, quantity=quantity),
                issued_at=found.at,
                start=series.start,
                step=series.step,
                values=series.values,
                source=provider.label,
            )


def _store(organization: Organization, deliveries: Sequence[Delivery], provider: WeatherProvider) -> None:
    try:
        receive_forecasts(organization=organization, deliveries=deliveries)
    except ValidationError as error:
        raise ProviderError(f"{provider.label} told what cannot be: {error.messages[0]}") from None


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
