"""What workers do for providers, and what the clock asks them to."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django_scopes import scopes_disabled

from flexplatform.accounts import audit
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.celery import app
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Result
from flexplatform.jobs.work import Work
from forecasting import services
from forecasting.models import PriceFeed, WeatherFeed
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


def _ask(feeds: type[WeatherFeed] | type[PriceFeed], request: Callable[..., Job]) -> None:
    with scopes_disabled():
        wanted = feeds.objects.filter(enabled=True).order_by().values_list("organization", flat=True).distinct()
        organizations = list(Organization.objects.filter(pk__in=list(wanted)).order_by("pk"))
    key = _hour(timezone.now())
    for organization in organizations:
        with organization_scope(organization), audit.acting(CLOCK, Door.TASK):
            request(organization=organization, idempotency_key=key)
    log.info("%d organizations were asked for.", len(organizations))


def _hour(now: datetime) -> str:
    return f"{CLOCK} {now:%Y-%m-%d %H}"
