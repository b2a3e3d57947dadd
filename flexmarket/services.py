"""Writes of flexibility offers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields

from django.db import transaction

from assets.models import Asset
from flexmarket.engine.methods import quantify
from flexmarket.engine.table import FlexTable
from flexmarket.models import FlexibilityOffers
from flexmarket.queries import DEFAULT_METHOD
from optimization.models import ScheduleRun
from optimization.queries import problem_of, schedule_of

BATCH = 500


@transaction.atomic
def offer_flexibility(*, run: ScheduleRun, method: str = DEFAULT_METHOD) -> list[FlexibilityOffers]:
    """Quantify and price the flexibility of every device of a run; earlier offers of the method are replaced.

    Raises:
        OfferError: for an unknown method.
    """
    tables = quantify(problem_of(run), schedule_of(run), method)
    FlexibilityOffers.objects.filter(run=run, method=method).delete()
    return store_offers(tables=[(run, tables)], method=method)


@transaction.atomic
def store_offers(
    *, tables: Sequence[tuple[ScheduleRun, Mapping[str, FlexTable]]], method: str = DEFAULT_METHOD
) -> list[FlexibilityOffers]:
    """Store the flexibility tables of new runs; a fixed number of statements per 500 devices."""
    assets: dict[int, dict[str, int]] = defaultdict(dict)
    of_sites = Asset.objects.filter(site__in=[run.site_id for run, _ in tables])
    for pk, site, name in of_sites.values_list("pk", "site_id", "name"):
        assets[site][name] = pk
    return FlexibilityOffers.objects.bulk_create(
        (
            FlexibilityOffers(run=run, asset_id=assets[run.site_id].get(each.device), method=method, **_columns(each))
            for run, of_run in tables
            for each in of_run.values()
        ),
        batch_size=BATCH,
    )


def _columns(table: FlexTable) -> dict[str, object]:
    return {item.name: getattr(table, item.name) for item in fields(table)}
