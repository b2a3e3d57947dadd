"""What workers do for providers, and what the clock asks them to: to fetch, to forecast, to choose, to score."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django_scopes import scopes_disabled

from assets.models import Site
from flexplatform.accounts import audit
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.celery import app
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Result
from flexplatform.jobs.work import Work
from forecasting import services
from forecasting.models import ChannelForecast, PriceFeed, WeatherFeed
from forecasting.providers.http import Http

log = logging.getLogger(__name__)
CLOCK = "clock"


def fetch_weather(work: Work) -> Result:
    """Fetch the weather of all sites of the job's organization."""
    with Http() as http:
        return services.fetch_weather(work, http)


def fetch_prices(work: Work) -> Result:
    """Fetch the prices of all feeds of the job's organization."""
    with Http() as http:
        return services.fetch_prices(work, http)


def providers_page(job: Job) -> str:
    """Return the page that shows what is fetched."""
    return reverse("providers", args=[job.organization.slug])


@app.task(name="forecasting.ask_for_weather", expires=3600)
def ask_for_weather() -> None:
    """Ask for the weather of every organization that fetches it; twice within an hour asks once."""
    _ask(WeatherFeed, services.request_weather)


@app.task(name="forecasting.ask_for_prices", expires=3600)
def ask_for_prices() -> None:
    """Ask for the prices of every organization that fetches them; twice within an hour asks once."""
    _ask(PriceFeed, services.request_prices)


@app.task(name="forecasting.ask_for_forecasts", expires=3600)
def ask_for_forecasts() -> None:
    """Ask for the forecasts of every organization that has something to forecast; twice within an hour asks once."""
    with scopes_disabled():
        sites = Site.objects.filter(organization=OuterRef("pk"))
        organizations = list(Organization.objects.filter(Exists(sites)).order_by("pk"))
    _ask_each(organizations, services.request_forecasts)


@app.task(name="forecasting.ask_for_models", expires=3600)
def ask_for_models() -> None:
    """Ask for a choice of models of every organization that forecasts; twice within an hour asks once."""
    _ask(ChannelForecast, services.request_model_choice)


@app.task(name="forecasting.ask_for_scores", expires=3600)
def ask_for_scores() -> None:
    """Ask for the scores of every organization that forecasts; twice within an hour asks once."""
    _ask(ChannelForecast, services.request_scores)


@app.task(name="forecasting.look_for_deviations", expires=600)
def look_for_deviations() -> None:
    """Ask for new forecasts of channels whose readings have left them, in each organization that forecasts."""
    for organization in _organizations_of(ChannelForecast):
        with organization_scope(organization), audit.acting(CLOCK, Door.TASK):
            services.request_deviating(organization=organization)


def _ask(rows: type[WeatherFeed | PriceFeed | ChannelForecast], request: Callable[..., Job]) -> None:
    _ask_each(_organizations_of(rows), request)


def _organizations_of(rows: type[WeatherFeed | PriceFeed | ChannelForecast]) -> list[Organization]:
    """Return the organizations that have something switched on in a table."""
    with scopes_disabled():
        wanted = rows.objects.filter(enabled=True).order_by().values_list("organization", flat=True).distinct()
        return list(Organization.objects.filter(pk__in=list(wanted)).order_by("pk"))


def _ask_each(organizations: list[Organization], request: Callable[..., Job]) -> None:
    key = _hour(timezone.now())
    for organization in organizations:
        with organization_scope(organization), audit.acting(CLOCK, Door.TASK):
            request(organization=organization, idempotency_key=key)
    log.info("%d organizations were asked for.", len(organizations))


def _hour(now: datetime) -> str:
    return f"{CLOCK} {now:%Y-%m-%d %H}"
