"""A day of prices pasted into the administration."""

import pytest
from django.test import Client

from assets.models import PriceSeries, PriceValues
from flexplatform.accounts.models import AuditEvent, Membership
from flexplatform.accounts.permissions import CHANGE_PRICES, PERMISSIONS, Role
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import PriceSeriesFactory

HOURS = [f"{hour:02d}:00" for hour in range(24)]
SPRING = [time for time in HOURS if time != "02:00"]
AUTUMN = [*HOURS[:3], "02:00", *HOURS[3:]]


@pytest.fixture
def series(people: People) -> PriceSeries:
    row: PriceSeries = PriceSeriesFactory(organization=people.a, name="Day-ahead")
    return row


def enter(client: Client, series: PriceSeries, lines: list[str], action: str = "store", **changes: object) -> str:
    form = {"day": "2026-11-22", "time_zone": "Europe/Berlin", "step": 60, "per": "MWh", **changes}
    url = f"/admin/assets/priceseries/{series.pk}/prices/"
    return client.post(url, {**form, "text": "\n".join(lines), action: "1"}, follow=True).content.decode()


def received(series: PriceSeries) -> list[PriceValues]:
    with organization_scope(series.organization):
        return list(PriceValues.objects.all())


@pytest.mark.parametrize(("day", "times"), [("2026-11-22", HOURS), ("2026-03-29", SPRING), ("2026-10-25", AUTUMN)])
def test_a_day_is_checked_then_stored(people: People, series: PriceSeries, day: str, times: list[str]) -> None:
    client = people.client("alice")
    assert "Enter prices" in client.get(f"/admin/assets/priceseries/{series.pk}/change/").content.decode()
    lines = [f"{time};{85 + index},5" for index, time in enumerate(times)]
    shown = enter(client, series, lines, "check", day=day)
    assert f"All {len(times)} lines are right" in shown
    assert received(series) == []
    assert f"{len(times)} prices of {day} were stored." in enter(client, series, lines, day=day)
    (row,) = received(series)
    assert row.spot_prices.values.tolist() == pytest.approx([(85.5 + index) / 1000 for index in range(len(times))])
    with organization_scope(people.a):
        event = AuditEvent.objects.get(action="pricevalues.receive")
    assert (event.user, event.door) == (people.alice, "admin")


@pytest.mark.parametrize(
    ("index", "line", "error"),
    [
        (3, "03:30;85", "time is &#x27;03:30&#x27;; allowed here: 03:00."),
        (3, "03:00;cheap", "value is &#x27;cheap&#x27;; allowed: a number such as 85.20."),
        (3, "03:00;", "value is &#x27;&#x27;; allowed"),
        (3, "03:00;nan", "value is nan; allowed: -1e+06 to 1e+06."),
        (3, "03:00;1e9", "value is 1e9; allowed: -1e+06 to 1e+06."),
        (23, "", "There is no line for 23:00; the day has 24."),
        (23, "23:00;1\n00:00;1", "The day has ended before this line."),
    ],
)
def test_each_wrong_line_is_told_and_nothing_is_stored(
    people: People, series: PriceSeries, index: int, line: str, error: str
) -> None:
    lines = [f"{time};85" for time in HOURS]
    lines[index] = line
    shown = enter(people.client("alice"), series, lines)
    assert error in shown
    assert "1 line must be changed; nothing was stored" in shown
    assert received(series) == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"day": "9999-12-31"}, "Choose a day between"),
        ({"time_zone": "Mars/Olympus"}, "is not an IANA time zone"),
        ({"step": 7}, "Select a valid choice"),
        ({"per": "GWh"}, "Select a valid choice"),
    ],
)
def test_what_is_no_day_is_refused(people: People, series: PriceSeries, changes: dict[str, object], error: str) -> None:
    assert error in enter(people.client("alice"), series, ["00:00;1"], **changes)
    assert received(series) == []


def test_only_who_may_change_prices_of_this_organization_enters_them(
    people: People, series: PriceSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/admin/assets/priceseries/{series.pk}/prices/"
    assert people.client("alice").get(url).status_code == 200
    assert people.client("charlie").get(url).status_code == 403
    assert people.client("bob").get(url).status_code == 302
    Membership.objects.filter(user=people.bob).update(role=Role.ASSET_MANAGER)
    assert people.client("bob").get(url).status_code == 200
    monkeypatch.setitem(PERMISSIONS, Role.ASSET_MANAGER, PERMISSIONS[Role.ASSET_MANAGER] - {CHANGE_PRICES})
    assert people.client("bob").get(url).status_code == 403
