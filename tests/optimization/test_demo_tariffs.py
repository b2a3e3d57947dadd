"""The demo's prices come from tariffs, and are those of the sample days."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from assets.models import PriceValues, SiteTariff, Tariff
from flexplatform.accounts.scoping import organization_scope
from flexplatform.registry import DemoContext
from optimization.demo_tariffs import make_tariffs
from optimization.engine import Horizon, Prices, ProblemError
from optimization.inputs import sample_inputs, site_inputs
from optimization.scenarios import named_scenario
from tests.conftest import People
from tests.factories import SiteFactory

DAY = date(2026, 11, 22)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("name", ["pv", "colony"])
@pytest.mark.parametrize("day", [DAY, date(2026, 10, 25), date(2026, 3, 29)])
def test_tariffs_give_the_prices_of_the_sample(people: People, name: str, day: date) -> None:
    site = SiteFactory(organization=people.a, external_id=name)
    horizon = Horizon.market_day(day, BERLIN)
    with organization_scope(people.a):
        make_tariffs(DemoContext(organization=people.a, day=day), [named_scenario(name)])
        composed, sample = site_inputs(site, horizon).prices, sample_inputs(site, horizon).prices
    assert isinstance(composed, Prices)
    assert isinstance(sample, Prices)
    for field in ("import_eur_per_kwh", "export_eur_per_kwh", "gas_eur_per_kwh", "fuel_eur_per_l"):
        np.testing.assert_allclose(getattr(composed, field), getattr(sample, field), atol=1e-9)


def test_a_second_time_makes_nothing(people: People) -> None:
    site = SiteFactory(organization=people.a, external_id="pv")
    context = DemoContext(organization=people.a, day=DAY)
    tables = (Tariff, SiteTariff, PriceValues)
    with organization_scope(people.a):
        make_tariffs(context, [named_scenario("pv")])
        before = [table.objects.count() for table in tables]
        make_tariffs(context, [named_scenario("pv")])
        assert [table.objects.count() for table in tables] == before == [3, 3, 14]
        far = Horizon.market_day(DAY + timedelta(days=30), BERLIN)
        with pytest.raises(ProblemError, match="Day-ahead Munich is without a price at 2026-12-22 00:00 CET"):
            site_inputs(site, far)
