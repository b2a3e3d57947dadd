"""Writes of flexibility offers."""

from dataclasses import fields

from django.db import transaction

from assets.models import Asset
from flexmarket.engine.methods import quantify
from flexmarket.engine.table import FlexTable
from flexmarket.models import FlexibilityOffers
from flexmarket.queries import DEFAULT_METHOD
from optimization.models import ScheduleRun
from optimization.queries import problem_of, schedule_of


@transaction.atomic
def offer_flexibility(*, run: ScheduleRun, method: str = DEFAULT_METHOD) -> list[FlexibilityOffers]:
    """Quantify and price the flexibility of every device of a run; earlier offers of the method are replaced.

    Raises:
        OfferError: for an unknown method.
    """
    tables = quantify(problem_of(run), schedule_of(run), method)
    assets = {asset.name: asset for asset in Asset.objects.filter(site_id=run.site_id)}
    FlexibilityOffers.objects.filter(run=run, method=method).delete()
    return FlexibilityOffers.objects.bulk_create(
        FlexibilityOffers(run=run, asset=assets.get(table.device), method=method, **_columns(table))
        for table in tables.values()
    )


def _columns(table: FlexTable) -> dict[str, object]:
    return {item.name: getattr(table, item.name) for item in fields(table)}
