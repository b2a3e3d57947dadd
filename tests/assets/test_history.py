"""What is configured keeps its history, and nobody reads that of another organization."""

import pytest
from django_scopes import ScopeError

from assets.models import TRACKED, Battery, Site, history_of
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory


def test_each_write_leaves_a_row(people: People) -> None:
    battery = BatteryFactory(site=SiteFactory(organization=people.a))
    with organization_scope(people.a):
        battery.capacity_kwh = 7
        battery.save()
        newest, oldest = history_of(battery).all()
        assert (oldest.history_type, oldest.capacity_kwh) == ("+", 5)
        assert (newest.history_type, newest.capacity_kwh) == ("~", 7)
        assert newest.site == battery.site


def test_the_history_outlives_the_row_and_what_it_hung_on(people: People) -> None:
    site = SiteFactory(organization=people.a)
    BatteryFactory(site=site)
    with organization_scope(people.a):
        site.delete()
        assert [row.history_type for row in history_of(Battery).all()] == ["-", "+"]
        assert history_of(Site).first().history_type == "-"


@pytest.mark.parametrize("model", TRACKED)
def test_history_is_unreachable_from_another_organization(people: People, model: type) -> None:
    battery = BatteryFactory(site=SiteFactory(organization=people.a))
    rows = history_of(model)
    with pytest.raises(ScopeError):
        rows.count()
    with pytest.raises(ScopeError):
        rows.model.objects.all()
    with pytest.raises(ScopeError):
        history_of(battery).first()
    with organization_scope(people.b):
        assert not rows.exists()
        assert not rows.model.objects.exists()
        assert not history_of(battery).exists()
    with organization_scope(people.a):
        assert rows.exists() == (model in {Battery, Site, type(battery.site.portfolio)})
