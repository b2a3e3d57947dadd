"""Day-ahead prices of bidding zones, fetched into the price series that tariffs refer to."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone

from assets.services import Delivery, receive_deliveries
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.registry import Result
from flexplatform.jobs.work import Work
from forecasting.models import PriceFeed
from forecasting.providers import PRICES
from forecasting.providers.http import Http
from forecasting.providers.protocol import Prices, ProviderError
from forecasting.providers.zones import MARKET_ZONE
from forecasting.services.feeds import FAILURES, key_for, note_failure, note_success

ONE_DAY = timedelta(days=1)


def fetch_prices(work: Work, http: Http) -> Result:
    """Fetch and store the prices of each of the organization's feeds, of `days` past days up to tomorrow.

    A day of the market is stored whole or not at all. A feed that fails leaves the others alone.

    Raises:
        JobError: names each series that failed, the provider, and what is wrong.
    """
    feeds = list(PriceFeed.objects.filter(organization=work.organization, enabled=True).select_related("series"))
    days = work.input["days"]
    stored, wrong = 0, []
    for number, feed in enumerate(feeds):
        work.report(number / len(feeds), str(feed.series))
        try:
            stored += _fetch(work, feed, http, days)
        except FAILURES as error:
            with work.writing():
                note_failure(feed, error)
            wrong.append(f"{feed.series}: {error}")
    if wrong:
        raise JobError(f"{' '.join(wrong)} Prices from before stay.")
    return {"deliveries": stored}


def _fetch(work: Work, feed: PriceFeed, http: Http, days: int) -> int:
    provider = PRICES.get(feed.provider)
    if provider is None:
        raise ProviderError(f"{feed.provider} is no provider any more.")
    key = key_for(work.organization, feed.provider)
    today = timezone.now().astimezone(MARKET_ZONE).date()
    found = provider.day_ahead(http, feed.zone, _midnight(today - days * ONE_DAY), _midnight(today + 2 * ONE_DAY), key)
    by_day = dict(_whole_days(found))
    if today not in by_day:
        raise ProviderError(f"{provider.label} has no prices of {feed.zone} for {today}.")
    deliveries = [
        Delivery(feed.series_id, each.start, each.step, each.values, "MWh", provider.label) for each in by_day.values()
    ]
    with work.writing():
        try:
            receive_deliveries(organization=work.organization, deliveries=deliveries)
        except ValidationError as error:
            raise ProviderError(f"{provider.label} told what cannot be: {error.messages[0]}") from None
        note_success(feed)
    return len(deliveries)


def _whole_days(found: Sequence[Prices]) -> Iterator[tuple[date, Prices]]:
    """Yield the days of the market that are covered from midnight to midnight in equal steps."""
    for each in found:
        day = each.start.astimezone(MARKET_ZONE).date()
        while _midnight(day) < each.end:
            start, end = _midnight(day), _midnight(day + ONE_DAY)
            if each.start <= start and end <= each.end:
                first, last = (start - each.start) // each.step, (end - each.start) // each.step
                yield day, Prices(start, each.step, each.values[first:last], each.currency)
            day += ONE_DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), MARKET_ZONE).astimezone(UTC)
