from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from assets.engine.errors import TariffError
from assets.models import Site, Tariff, TariffPeriod
from assets.tariffs import prices_of_sites, tariff_parts
from flexplatform.accounts.scoping import organization_scope
from optimization.engine import Horizon
from tests.conftest import People
from tests.factories import (
    START,
    PriceSeriesFactory,
    PriceValuesFactory,
    SiteFactory,
    SiteTariffFactory,
    TariffFactory,
)

HOUR = timedelta(hours=1)
DAY = date(2026, 11, 22)


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a, slug="home")
    return row


def prices(site: Site, day: date = DAY, known_at: datetime | None = None) -> Any:
    horizon = Horizon.market_day(day, site.zone, HOUR)
    with organization_scope(site.organization):
        return prices_of_sites([site], horizon.times, HOUR, known_at)[site.pk]


def period(tariff: Tariff, start: int, end: int, price: str, **more: Any) -> None:
    TariffPeriod.objects.create(tariff=tariff, start=time(start), end=time(end), price_per_kwh=Decimal(price), **more)


def test_a_price_is_composed_of_its_parts(site: Site) -> None:
    tariff = TariffFactory(
        organization=site.organization,
        energy_price_per_kwh=Decimal("0.10"),
        grid_fee_per_kwh=Decimal("0.08"),
        taxes_per_kwh=Decimal("0.02"),
        levies_per_kwh=Decimal("0.01"),
        vat_percent=Decimal(19),
        capacity_price_per_kw=Decimal(100),
    )
    SiteTariffFactory(site=site, tariff=tariff)
    found = prices(site)
    assert list(found.per_step) == ["import"]
    np.testing.assert_allclose(found.per_step["import"], 1.19 * 0.21)
    assert found.capacity_price_per_kw == pytest.approx(119)
    with organization_scope(site.organization):
        parts = tariff_parts(tariff, [START], HOUR, site.zone)
    assert {name: round(float(part[0]), 6) for name, part in parts.items()} == {
        "energy": 0.10,
        "grid_fee": 0.08,
        "taxes": 0.02,
        "levies": 0.01,
        "vat": 0.0399,
    }


@pytest.mark.parametrize(("day", "hours"), [(DAY, 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_energy_and_grid_fee_have_hours_of_their_own(site: Site, day: date, hours: int) -> None:
    tariff = TariffFactory(organization=site.organization, form="time_of_use", energy_price_per_kwh=Decimal("0.01"))
    period(tariff, 6, 22, "0.30")
    period(tariff, 22, 6, "0.20")
    period(tariff, 0, 0, "0.05", part="grid_fee", weekdays="01234")
    period(tariff, 0, 0, "0.02", part="grid_fee", weekdays="56")
    SiteTariffFactory(site=site, tariff=tariff)
    found = prices(site, day).per_step["import"]
    assert len(found) == hours
    assert (np.isclose(found, 0.33)).sum() == 16
    assert np.isclose(found[0], 0.23)
    weekday = prices(site, day + timedelta(days=1)).per_step["import"]
    assert np.isclose(weekday[0], 0.26)


def test_a_dynamic_price_is_read_as_it_was_known(site: Site) -> None:
    series = PriceSeriesFactory(organization=site.organization)
    tariff = TariffFactory(
        organization=site.organization, form="dynamic", price_series=series, energy_price_per_kwh=Decimal("0.05")
    )
    SiteTariffFactory(site=site, tariff=tariff)
    noon, later = START - 11 * HOUR, START - 5 * HOUR
    PriceValuesFactory(series=series, received_at=noon, values=np.arange(24) / 100)
    PriceValuesFactory(series=series, received_at=later, start=START + HOUR, values=np.array([0.9]))
    np.testing.assert_allclose(prices(site, known_at=noon).per_step["import"][:3], [0.05, 0.06, 0.07])
    np.testing.assert_allclose(prices(site).per_step["import"][:3], [0.05, 0.95, 0.07])
    with pytest.raises(TariffError, match=r"Day-ahead \d+ is without a price at 2026-11-22 00:00"):
        prices(site, known_at=noon - HOUR)


def test_each_day_has_the_tariff_that_is_valid_on_it(site: Site) -> None:
    old = TariffFactory(organization=site.organization, energy_price_per_kwh=Decimal("0.1"))
    new = TariffFactory(organization=site.organization, energy_price_per_kwh=Decimal("0.2"))
    SiteTariffFactory(site=site, tariff=old, valid_to=DAY)
    SiteTariffFactory(site=site, tariff=new, valid_from=DAY + timedelta(days=1))
    horizon = Horizon(START, HOUR, 48)
    with organization_scope(site.organization):
        found = prices_of_sites([site], horizon.times, HOUR)[site.pk].per_step["import"]
    assert found.tolist() == [0.1] * 24 + [0.2] * 24


def test_a_day_without_tariff_is_named(site: Site) -> None:
    tariff = TariffFactory(organization=site.organization, valid_to=DAY)
    SiteTariffFactory(site=site, tariff=tariff)
    horizon = Horizon(START, HOUR, 48)
    message = "home.tariffs is without one for import on 2026-11-23"
    with organization_scope(site.organization), pytest.raises(TariffError, match=message):
        prices_of_sites([site], horizon.times, HOUR)
    assert prices(site, DAY + timedelta(days=3)).per_step == {}


def test_periods_that_leave_a_gap_or_overlap_are_named(site: Site) -> None:
    tariff = TariffFactory(organization=site.organization, name="Night", form="time_of_use")
    period(tariff, 6, 22, "0.30")
    SiteTariffFactory(site=site, tariff=tariff)
    with pytest.raises(TariffError, match=r"Night.periods is no price on Monday at 00:00"):
        prices(site)


def test_two_currencies_at_one_site_are_refused(site: Site) -> None:
    SiteTariffFactory(site=site, tariff=TariffFactory(organization=site.organization))
    francs = TariffFactory(organization=site.organization, commodity="gas", currency="CHF")
    SiteTariffFactory(site=site, tariff=francs)
    with pytest.raises(TariffError, match="in CHF, EUR; allowed: one currency"):
        prices(site)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"commodity": "water"}, "commodity", "Allowed: import, export, gas, fuel"),
        ({"form": "dynamic"}, "form", "belongs to the form dynamic"),
        ({"valid_to": date(2019, 1, 1)}, "valid_to", "must not be before valid_from. Given: 2019-01-01"),
        ({"vat_percent": Decimal(101)}, "vat_percent", "between 0 and 100. Given: 101"),
        ({"currency": "euro"}, "currency", "three capital letters"),
        ({"commodity": "gas", "capacity_price_per_kw": 1}, "capacity_price_per_kw", "unless the commodity is import"),
    ],
)
def test_a_tariff_without_sense_is_refused_by_field(
    site: Site, values: dict[str, Any], field: str, message: str
) -> None:
    tariff = TariffFactory.build(organization=site.organization, **values)
    with organization_scope(site.organization), pytest.raises(ValidationError) as refusal:
        tariff.full_clean()
    assert message in str(refusal.value.message_dict[field])


@pytest.mark.parametrize("weekdays", ["", "10", "7", "00", "mon"])
def test_weekdays_are_rising_digits(site: Site, weekdays: str) -> None:
    tariff = TariffFactory(organization=site.organization)
    row = TariffPeriod(tariff=tariff, weekdays=weekdays, start=time(0), end=time(0), price_per_kwh=1)
    with pytest.raises(ValidationError, match="weekdays"):
        row.full_clean()


def test_a_second_tariff_for_the_same_time_is_refused(site: Site) -> None:
    SiteTariffFactory(site=site, valid_to=DAY)
    second = TariffFactory(organization=site.organization)
    with organization_scope(site.organization):
        with pytest.raises(ValidationError, match="one tariff for import at a time"):
            SiteTariffFactory.build(site=site, tariff=second, valid_from=DAY).full_clean()
        SiteTariffFactory.build(site=site, tariff=second, valid_from=DAY + timedelta(days=1)).full_clean()


def test_foreign_rows_are_refused(people: People, site: Site) -> None:
    foreign_tariff = TariffFactory(organization=people.b)
    foreign_series = PriceSeriesFactory(organization=people.b)
    with organization_scope(people.a):
        with pytest.raises(ValidationError, match="another organization"):
            SiteTariffFactory.build(site=site, tariff=foreign_tariff).full_clean()
        with pytest.raises(ValidationError, match="another organization"):
            TariffFactory.build(organization=people.a, form="dynamic", price_series=foreign_series).full_clean()


def test_the_database_keeps_the_series_to_dynamic_tariffs(site: Site) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        TariffFactory(organization=site.organization, form="dynamic")
