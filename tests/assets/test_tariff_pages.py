"""Tariffs in the portal: what they are made of, what a day costs, who has them."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from assets.models import Tariff
from tests.conftest import People
from tests.factories import (
    PriceSeriesFactory,
    PriceValuesFactory,
    SiteFactory,
    SiteTariffFactory,
    TariffFactory,
    TariffPeriodFactory,
)

pytestmark = pytest.mark.one_database

WINTER, SPRING, AUTUMN = "2026-11-22", "2026-03-29", "2026-10-25"


def page(people: People, tariff: Tariff, **asked: str) -> str:
    return people.client("bob").get(f"/o/a/tariffs/{tariff.pk}/", asked).content.decode()


def chart(people: People, tariff: Tariff, **asked: str) -> Any:
    return people.client("bob").get(f"/o/a/tariffs/{tariff.pk}/prices.json", asked).json()


@pytest.fixture
def night(people: People) -> Tariff:
    """A tariff that is cheap from 0 to 4 o'clock."""
    row: Tariff = TariffFactory(
        organization=people.a, form="time_of_use", energy_price_per_kwh=0, taxes_per_kwh=Decimal("0.02")
    )
    TariffPeriodFactory(tariff=row, start=time(0), end=time(4), price_per_kwh=Decimal("0.10"))
    TariffPeriodFactory(tariff=row, start=time(4), end=time(0), price_per_kwh=Decimal("0.30"), weekdays="01234")
    TariffPeriodFactory(tariff=row, start=time(4), end=time(0), price_per_kwh=Decimal("0.20"), weekdays="56")
    return row


def test_the_list_says_how_many_sites_have_each(people: People) -> None:
    tariff = TariffFactory(organization=people.a, name="Home day and night", valid_to=date(2030, 12, 31))
    site = SiteFactory(organization=people.a)
    SiteTariffFactory(site=site, tariff=tariff, valid_to=date(2026, 12, 31))
    SiteTariffFactory(site=site, tariff=tariff, valid_from=date(2028, 1, 1))
    listed = people.client("bob").get("/o/a/tariffs/").content.decode()
    assert "Home day and night" in listed
    assert "2030-12-31" in listed
    assert '<td class="text-end fp-number">1</td>' in listed


def test_without_tariffs_the_list_says_what_they_are(people: People) -> None:
    assert b"No tariffs yet" in people.client("bob").get("/o/a/tariffs/").content


def test_a_day_is_shown_by_part_in_rows_of_equal_prices(people: People, night: Tariff) -> None:
    shown = page(people, night, day=WINTER)
    for text in ("96 quarter-hours", "00:00 – 04:00", "04:00 – 00:00", "<strong>12.000</strong>", "ct/kWh", "Taxes"):
        assert text in shown
    assert "<strong>22.000</strong>" in shown
    assert "Monday, Tuesday, Wednesday, Thursday, Friday" in shown
    drawn = chart(people, night, day=WINTER)
    series = {each["label"]: each["values"] for each in drawn["charts"][0]["series"]}
    assert drawn["zone"] == "Europe/Berlin"
    assert series["Price"] == [12.0] * 16 + [22.0] * 80
    assert series["Taxes"] == [2.0] * 96


@pytest.mark.parametrize(
    ("day", "steps", "cheap", "row"),
    [(SPRING, 92, 12, "00:00 CET – 04:00 CEST"), (AUTUMN, 100, 20, "00:00 CEST – 04:00 CET")],
)
def test_the_days_of_the_clock_change(
    people: People, night: Tariff, day: str, steps: int, cheap: int, row: str
) -> None:
    shown = page(people, night, day=day)
    assert f"{steps} quarter-hours" in shown
    assert row in shown
    assert "The clocks change on this day" in shown
    values = chart(people, night, day=day)["charts"][0]["series"][-1]["values"]
    assert values == [12.0] * cheap + [22.0] * (steps - cheap)


def test_prices_of_a_series_come_by_the_hour_and_a_day_without_says_so(people: People) -> None:
    series = PriceSeriesFactory(organization=people.a, name="Day-ahead")
    PriceValuesFactory(series=series, start=datetime(2026, 11, 21, 23, tzinfo=UTC), values=np.arange(24) / 100)
    tariff = TariffFactory(
        organization=people.a, form="dynamic", price_series=series, energy_price_per_kwh=0, vat_percent=10
    )
    shown = page(people, tariff, day=WINTER)
    assert "23:00 – 00:00" in shown
    assert "<strong>25.300</strong>" in shown
    missing = page(people, tariff, day="2026-11-23")
    assert "No price for Monday, 23 November 2026" in missing
    assert "Day-ahead is without a price at 2026-11-23 00:00 CET" in missing
    assert chart(people, tariff, day="2026-11-23") == {"charts": []}


def test_the_time_zones_are_those_of_the_sites(people: People, night: Tariff) -> None:
    SiteTariffFactory(site=SiteFactory(organization=people.a, time_zone="Europe/Lisbon"), tariff=night)
    assert chart(people, night, day=WINTER, zone="Europe/Lisbon")["zone"] == "Europe/Lisbon"
    assert "Select a valid choice" in page(people, night, day=WINTER, zone="Mars/Olympus")


@pytest.mark.parametrize("day", ["yesterday", "0001-01-01", "9999-12-31", "\0"])
def test_a_day_that_is_none_is_an_error_on_the_page(people: People, night: Tariff, day: str) -> None:
    answer = people.client("bob").get(f"/o/a/tariffs/{night.pk}/", {"day": day})
    assert answer.status_code == 200
    assert b"Day: " in answer.content
    assert people.client("bob").get(f"/o/a/tariffs/{night.pk}/prices.json", {"day": day}).status_code == 200


def test_the_sites_are_listed_with_their_time(people: People, night: Tariff) -> None:
    SiteTariffFactory(site=SiteFactory(organization=people.a, name="Barn"), tariff=night, valid_from=date(2026, 5, 1))
    shown = page(people, night)
    assert "Barn" in shown
    assert "2026-05-01" in shown
    assert "No site has this tariff yet" not in shown


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_asks_no_more_for_more_sites(
    people: People, night: Tariff, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        SiteTariffFactory(site=SiteFactory(organization=people.a), tariff=night)
    client = people.client("bob")
    with django_assert_num_queries(8):
        shown = client.get(f"/o/a/tariffs/{night.pk}/", {"day": WINTER}).content.decode()
    assert shown.count("/o/a/sites/") == count
