"""Own forecasts that nobody asks for any more: thrown away after a time, a batch at a time."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from forecasting.models import ForecastRun, PriceForecast
from forecasting.services.forecasting import Writing
from forecasting.services.own_channels import OWN

# A year and a month, so that a day can be compared with that of the year before.
KEPT_FOR = timedelta(days=400)
AT_ONCE = 2000


def delete_old_forecasts(*, organization: Organization, writing: Writing = transaction.atomic) -> int:
    """Delete the organization's own forecasts that ended more than 400 days ago, and return how many those were.

    What others delivered stays: it cannot be made again.
    """
    before = timezone.now() - KEPT_FOR
    deleted = 0
    for rows in (
        ForecastRun.objects.filter(organization=organization, source=OWN, end__lt=before),
        PriceForecast.objects.filter(organization=organization, end__lt=before),
    ):
        while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
            with writing():
                rows.filter(pk__in=batch).delete()
            deleted += len(batch)
    if deleted:
        told = {"forecasts": deleted, "before": before.isoformat()}
        with writing():
            audit.record(organization=organization, action="forecastrun.expire", instance=organization, after=told)
    return deleted
