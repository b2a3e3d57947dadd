"""On both databases, as everything with a database is run on both."""

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from flexplatform.accounts.scoping import organization_scope
from flexplatform.bulk import insert_many
from optimization.models import ScheduleSeries
from tests.conftest import People
from tests.factories import planned_site

COLUMNS = ("run_id", "role", "device", "asset_id", "quantity", "values")


def test_rows_are_as_they_were_given(people: People) -> None:
    site, run = planned_site(people.a)
    values = np.array([0.1, -2.5, np.inf, 1e-300])
    with organization_scope(people.a):
        ScheduleSeries.objects.all().delete()
        asset = site.assets.first()
        assert asset is not None
        given = [
            (run.pk, "plan", "Wärmepumpe\t\\N 1", None, "power_kw", values),
            (run.pk, "input", "", asset.pk, "price", values[::2]),
        ]
        insert_many(ScheduleSeries, COLUMNS, iter(given))
        first, second = ScheduleSeries.objects.order_by("id")
    assert (first.run_id, first.role, first.device, first.asset_id) == (run.pk, "plan", "Wärmepumpe\t\\N 1", None)
    np.testing.assert_array_equal(first.values, values)
    assert (second.asset_id, second.device, second.quantity) == (asset.pk, "", "price")
    np.testing.assert_array_equal(second.values, [0.1, np.inf])


def test_no_row_is_stored_where_one_is_refused(people: People) -> None:
    _, run = planned_site(people.a)
    row = (run.pk, "plan", "new", None, "power_kw", np.ones(4))
    with organization_scope(people.a):
        before = ScheduleSeries.objects.count()
        with pytest.raises(IntegrityError), transaction.atomic():
            insert_many(ScheduleSeries, COLUMNS, [row, row])
        assert ScheduleSeries.objects.count() == before
        insert_many(ScheduleSeries, COLUMNS, [])
        assert ScheduleSeries.objects.count() == before
