"""The offers board: sums by quarter-hour, the price curve, filters, files."""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.test import Client

from flexmarket.board.merit_order import MOST_POINTS, curve_of, merit_order
from flexmarket.board.selection import COLUMNS, Board, Source, Wanted, board_of
from flexmarket.models import FlexibilityOffers
from flexplatform.accounts.scoping import organization_scope
from optimization.engine import Horizon
from optimization.models import ScheduleRun
from tests.conftest import People
from tests.factories import planned_site

pytestmark = pytest.mark.one_database

BOARD = "/o/a/offers/"
DAY = date(2026, 11, 22)
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a):
        yield


@pytest.fixture
def alice(people: People, in_a: None) -> Client:
    return people.client("alice")


def board(people: People, **wanted: Any) -> Board:
    return board_of(people.a, Wanted(day=DAY, zone=ZONE, **wanted))


def test_offers_add_up_by_quarter_hour(people: People, in_a: None) -> None:
    planned_site(people.a, name="North")
    planned_site(people.a, name="South")
    planned_site(people.b, name="Foreign")
    found = board(people)
    assert [source.site for source in found.sources] == ["North", "South"]
    np.testing.assert_array_equal(found.total("positive", "power_kw")[:6], [2, 2, 2, 2, 0, 0])
    np.testing.assert_allclose(found.mean_price("negative")[:4], -0.2)
    assert np.isnan(found.mean_price("negative")[4])
    assert found.horizon.count == 96


def test_only_the_newest_run_of_a_site_counts_and_long_steps_cover_several_quarter_hours(
    people: People, in_a: None
) -> None:
    _, old = planned_site(people.a)
    newer = ScheduleRun.objects.get(pk=old.pk)
    newer.pk = None
    newer.step_seconds, newer.count = 3600, 2
    newer.save()
    offers = FlexibilityOffers.objects.get(run=old)
    offers.pk, offers.run = None, newer
    for name in COLUMNS:
        setattr(offers, name, [3.0, 5.0])
    offers.scheduled_power_kw = [0.0, 0.0]
    offers.save()
    np.testing.assert_array_equal(board(people).total("positive", "power_kw")[:9], [3, 3, 3, 3, 5, 5, 5, 5, 0])


def test_filters_leave_out_what_nobody_asked_for(people: People, in_a: None) -> None:
    north, _ = planned_site(people.a, name="North")
    planned_site(people.a, name="South")
    assert [each.site for each in board(people, site="nor").sources] == ["North"]
    assert [each.site for each in board(people, portfolio=north.portfolio_id).sources] == ["North"]
    assert board(people, kind="pv").sources == []
    assert len(board(people, kind="battery", device="batt").sources) == 2


def of_prices(*prices: float) -> Board:
    horizon = Horizon.market_day(DAY, ZONE)
    sources = [Source(1, "Home", "home", f"device {number}", "battery") for number in range(len(prices))]
    columns = {name: np.ones((len(prices), horizon.count)) for name in COLUMNS}
    columns["positive_price_eur_per_kwh"][:, 0] = prices
    columns["negative_power_kw"][:] = 0
    return Board(horizon, sources, columns)


def test_the_cheapest_offer_comes_first_and_power_is_cumulated() -> None:
    rows = merit_order(of_prices(0.3, -0.1, 0.2), 0)
    assert [row.source.device for row in rows] == ["device 1", "device 2", "device 0"]
    assert [row.price_ct_per_kwh for row in rows] == pytest.approx([-10, 20, 30])
    assert [row.cumulated_kw for row in rows] == [1, 2, 3]
    assert {row.minutes for row in rows} == {60}
    curve = curve_of(rows)
    assert curve is not None
    assert [direction for direction, _ in curve.paths] == ["positive"]
    assert curve.paths[0][1].count("H") == 3
    assert curve.x_ticks[-1].value == 3
    assert curve_of([]) is None


def test_a_curve_of_many_offers_is_thinned_and_ends_where_it_ends() -> None:
    rows = merit_order(of_prices(*np.linspace(0, 1, 5000).tolist()), 0)
    curve = curve_of(rows)
    assert curve is not None
    path = curve.paths[0][1]
    assert path.count("H") == MOST_POINTS
    assert path.endswith(f"H{curve.right:.1f}")


def test_the_page_shows_the_chosen_quarter_hour(people: People, alice: Client) -> None:
    planned_site(people.a, slug="north", name="North")
    page = alice.get(BOARD, {"day": "2026-11-22", "step": "2"})
    html = page.content.decode()
    assert "Price curve at 00:30" in html
    assert [row.direction for row in page.context["page"]] == ["positive", "negative"]
    only = alice.get(BOARD, {"day": "2026-11-22", "step": "2", "direction": "negative"})
    assert [row.direction for row in only.context["page"]] == ["negative"]
    chart = alice.get(f"{BOARD}charts.json", {"day": "2026-11-22"}).json()["charts"][0]
    assert chart["series"][1]["values"][0] == -1
    assert chart["series"][2]["values"][:5] == [30, 30, 30, 30, None]


@pytest.mark.parametrize(
    "query",
    [
        {"day": "never"},
        {"day": "0001-01-01"},
        {"portfolio": "7777"},
        {"kind": "\0"},
        {"direction": "up"},
        {"step": "999"},
        {"step": "x"},
        {"page": "9"},
        {"site": "nowhere"},
    ],
)
def test_a_filter_that_cannot_be_is_no_error(people: People, alice: Client, query: dict[str, str]) -> None:
    planned_site(people.a)
    assert alice.get(BOARD, query).status_code == 200


def test_an_empty_board_says_what_to_do(alice: Client) -> None:
    assert "No offers on this day" in alice.get(BOARD).content.decode()
    assert alice.get(f"{BOARD}comax.zip").status_code == 404


def test_files_are_those_of_the_selection(people: People, alice: Client) -> None:
    planned_site(people.a, slug="north", name="North")
    planned_site(people.a, slug="south", name="South")

    def names(**query: str) -> list[str]:
        answer = alice.get(f"{BOARD}alf.zip", {"day": "2026-11-22", **query})
        with ZipFile(BytesIO(answer.content)) as file:
            return sorted(file.namelist())

    assert [name.partition("/")[0] for name in names()] == ["north", "south"]
    assert all("/" not in name for name in names(site="North"))
    assert alice.get(f"{BOARD}alf.zip", {"day": "2026-11-23"}).status_code == 404
    assert alice.get(f"{BOARD}moon.zip").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_the_board_asks_no_more_for_more_sites(
    people: People, in_a: None, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        planned_site(people.a)
    with django_assert_num_queries(2):
        assert len(board(people).sources) == count
