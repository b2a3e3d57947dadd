"""What an organization fetches from providers, and how each attempt went."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assets.services import rows
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from forecasting.models import Feed, PriceFeed, WeatherFeed
from forecasting.providers import WITH_KEY, Key
from forecasting.providers.protocol import ProviderError
from forecasting.services.provider_keys import KeyUnreadableError, provider_key

FETCH_WEATHER, FETCH_PRICES = "fetch_weather", "fetch_prices"
# What a request to a provider may end with; each says what a person can do about it.
FAILURES = (ProviderError, KeyUnreadableError)
MOST_SHOWN = 500
MOST_DAYS = 360


@transaction.atomic
def switch_weather(*, organization: Organization, enabled: bool, provider: str = "open_meteo") -> WeatherFeed:
    """Fetch the weather of all sites from a provider from now on, or no more.

    Raises:
        ValidationError: by field.
    """
    stored = WeatherFeed.objects.select_for_update().filter(organization=organization).first()
    values = {"enabled": enabled, "provider": provider}
    if stored is None:
        return rows.create(WeatherFeed(organization=organization), values, organization)
    return rows.update(stored, values, organization)


def create_price_feed(*, organization: Organization, values: Mapping[str, Any]) -> PriceFeed:
    """Fetch the prices of a bidding zone into a price series from now on.

    Raises:
        ValidationError: by field.
    """
    return rows.create(PriceFeed(organization=organization), values, organization)


def update_price_feed(*, feed: PriceFeed, values: Mapping[str, Any]) -> PriceFeed:
    """Change a price feed.

    Raises:
        ValidationError: by field.
    """
    return rows.update(feed, values, feed.organization)


def delete_price_feed(*, feed: PriceFeed) -> None:
    """Fetch these prices no more; those that were received stay."""
    rows.delete(feed, feed.organization)


@transaction.atomic
def request_weather(*, organization: Organization, idempotency_key: str = "") -> Job:
    """Ask for the weather of all sites of an organization; return the job that fetches it.

    Raises:
        ValidationError: where no weather is fetched.
    """
    if not WeatherFeed.objects.filter(organization=organization, enabled=True).exists():
        raise ValidationError({"provider": f"{organization.name} fetches no weather; switch a provider on first."})
    return enqueue(
        organization=organization,
        kind=FETCH_WEATHER,
        title="Fetch weather",
        input={},
        idempotency_key=idempotency_key,
    )


@transaction.atomic
def request_prices(*, organization: Organization, days: int = 1, idempotency_key: str = "") -> Job:
    """Ask for the prices of an organization's feeds, of `days` past days up to tomorrow; return the job.

    Raises:
        ValidationError: where no prices are fetched, or for too many days.
    """
    if not 1 <= days <= MOST_DAYS:
        raise ValidationError({"days": f"days is {days}; allowed: 1 to {MOST_DAYS}."})
    if not PriceFeed.objects.filter(organization=organization, enabled=True).exists():
        raise ValidationError({"provider": f"{organization.name} fetches no prices; add a feed first."})
    return enqueue(
        organization=organization,
        kind=FETCH_PRICES,
        title="Fetch prices",
        input={"days": days},
        idempotency_key=idempotency_key,
    )


def key_for(organization: Organization, provider: str) -> str:
    """Return what a provider is asked with.

    Raises:
        ProviderError: where it needs a key and the organization has none.
        KeyUnreadableError: where the stored one cannot be read.
    """
    known = WITH_KEY.get(provider)
    if known is None:
        return ""
    key = provider_key(organization, provider)
    if not key and known.key is Key.REQUIRED:
        raise ProviderError(f"{known.label} needs a key, and none is stored.")
    return key


@transaction.atomic
def note_success(feed: Feed) -> None:
    """Note that the provider answered, in the transaction that stores what it said."""
    feed.fetched_at = timezone.now()
    feed.save(update_fields=["fetched_at"])


@transaction.atomic
def note_failure(feed: Feed, error: Exception) -> None:
    """Note that the provider gave nothing; what it said before stays. Recorded once, not at every further attempt."""
    was_failing, feed.failed_at, feed.error = feed.is_failing, timezone.now(), str(error)[:MOST_SHOWN]
    feed.save(update_fields=["failed_at", "error"])
    if not was_failing:
        audit.record(
            organization=feed.organization,
            action=f"{feed._meta.model_name}.fail",
            instance=feed,
            after={"error": feed.error},
        )
