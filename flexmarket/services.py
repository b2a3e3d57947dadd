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
from flexplatform.bulk import insert_many
from optimization.models import ScheduleRun
from optimization.queries import problem_of, schedule_of

COLUMNS = tuple(item.name for item in fields(FlexTable))
Tables = Mapping[str, FlexTable]


def offer_flexibility(*, run: ScheduleRun, method: str = DEFAULT_METHOD) -> int:
    """Quantify and price the flexibility of every device of a run; earlier offers of the method are replaced.

    Returns how many devices have offers.

    Raises:
        OfferError: for an unknown method.
    """
    return replace_offers(run=run, tables=tables_for(run, method), method=method)


def tables_for(run: ScheduleRun, method: str) -> Tables:
    """Return the flexibility of a run by device; writes nothing, and takes seconds by the exact method.

    Raises:
        OfferError: for an unknown method, or a plan that is none of the site as it is now.
    """
    tables = quantify(problem_of(run), schedule_of(run), method)
    return {name: table.after(run.past_steps) for name, table in tables.items()}


@transaction.atomic
def replace_offers(*, run: ScheduleRun, tables: Tables, method: str) -> int:
    """Store the flexibility tables of a run in place of those that the method made before; return how many."""
    FlexibilityOffers.objects.filter(run=run, method=method).delete()
    return store_offers(tables=[(run, tables)], method=method)


@transaction.atomic
def store_offers(*, tables: Sequence[tuple[ScheduleRun, Tables]], method: str = DEFAULT_METHOD) -> int:
    """Store the flexibility tables of new runs by a fixed number of statements; return how many tables there are."""
    assets: dict[int, dict[str, int]] = defaultdict(dict)
    of_sites = Asset.objects.filter(site__in=[run.site_id for run, _ in tables])
    for pk, site, name in of_sites.values_list("pk", "site_id", "name"):
        assets[site][name] = pk
    rows = [
        (run.pk, assets[run.site_id].get(each.device), method, *(getattr(each, name) for name in COLUMNS))
        for run, of_run in tables
        for each in of_run.values()
    ]
    insert_many(FlexibilityOffers, ("run_id", "asset_id", "method", *COLUMNS), rows)
    return len(rows)
