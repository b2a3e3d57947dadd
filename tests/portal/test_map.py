"""The map page, its data and the panel of a site."""

from datetime import timedelta

import numpy as np
import pytest
import time_machine
from django.urls import reverse

from flexplatform.accounts.scoping import organization_scope
from optimization.models import ScheduleSeries
from tests.conftest import People
from tests.factories import START, BatteryFactory, PortfolioFactory, SiteFactory, planned_site


def columns(people: People) -> dict:
    return people.client("alice").get(reverse("site_map", args=["a"])).json()


def bits(data: dict, *kinds: str) -> int:
    return sum(1 << place for place, kind in enumerate(data["kinds"]) if kind["name"] in kinds)


@time_machine.travel("2026-11-21T10:00:00Z", tick=False)
def test_the_data_is_one_list_per_column(people: People) -> None:
    planned_site(people.a, name="Planned", slug="planned", latitude=48.1234567)
    SiteFactory(organization=people.a, name="New", portfolio=PortfolioFactory(organization=people.a, name="Aachen"))
    SiteFactory(organization=people.b)
    data = columns(people)
    sites = data["sites"]
    assert sites["name"] == ["New", "Planned"]
    assert sites["kinds"] == [0, bits(data, "battery", "electric_load")]
    assert [data["states"][place]["name"] for place in sites["state"]] == ["none", "unmet"]
    assert data["portfolios"][sites["portfolio"][0]] == "Aachen"
    assert sites["latitude"][1] == 48.12346
    assert {len(values) for values in sites.values()} == {2}
    assert data["page"].replace("SITE", sites["slug"][1]) == "/o/a/sites/planned/"


def test_a_device_with_a_place_of_its_own_is_a_marker(people: People) -> None:
    site = SiteFactory(organization=people.a)
    BatteryFactory(site=site, name="here")
    BatteryFactory(site=site, name="there", latitude=48.2, longitude=11.6)
    data = columns(people)
    assert data["devices"]["name"] == ["there"]
    assert data["kinds"][data["devices"]["kind"][0]]["name"] == "battery"
    assert data["devices"]["site"] == [0]


def test_the_data_is_packed_for_browsers_that_take_it(people: People) -> None:
    for number in range(9):
        SiteFactory(organization=people.a, name=f"House {number}")
    answer = people.client("alice").get(reverse("site_map", args=["a"]), headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"


def test_the_map_page_offers_filters_by_what_there_is(people: People) -> None:
    SiteFactory(organization=people.a)
    PortfolioFactory(organization=people.a, name="South")
    PortfolioFactory(organization=people.b, name="Foreign")
    page = people.client("bob").get(reverse("map", args=["a"])).content.decode()
    for text in ("South", "Heat pump", "Unmet wishes", "leaflet.markercluster.js"):
        assert text in page
    assert "Foreign" not in page


def test_a_map_without_sites_says_what_to_do(people: People) -> None:
    assert b"No sites yet" in people.client("alice").get(reverse("map", args=["a"])).content


def panel(people: People, slug: str = "home") -> str:
    return people.client("bob").get(reverse("map_site", args=["a", slug])).content.decode()


def replan(people: People, run: object, quantity: str, values: list[float]) -> None:
    with organization_scope(people.a):
        ScheduleSeries.objects.filter(run=run, role="plan", quantity=quantity).update(values=np.array(values))


@time_machine.travel(START + timedelta(minutes=20), tick=False)
def test_the_panel_tells_the_planned_power_and_the_next_change(people: People) -> None:
    _, run = planned_site(people.a, slug="home")
    assert "none until the end of the plan" in panel(people)
    with organization_scope(people.a):
        ScheduleSeries.objects.filter(run=run, device="battery", quantity="power_kw").update(
            values=np.array([0, 0, 0, -2.5])
        )
    replan(people, run, "grid_power_kw", [2, -3.25, 0, 0])
    shown = panel(people)
    assert "3.3 <small>kW</small>" in shown
    assert "to the grid" in shown
    assert "00:45: Battery gives 2.5 kW" in shown


@pytest.mark.parametrize(
    ("powers", "words"),
    [
        ([0, 2, 0, 0], "00:30: Battery stops"),
        ([0, 0, 2, 0], "00:30: Battery takes 2.0 kW"),
        ([0, 1, 3, 0], "00:30: Battery goes up to 3.0 kW"),
        ([0, 3, 1, 0], "00:30: Battery goes down to 1.0 kW"),
        ([0, 3, -3, 0], "00:30: Battery gives 3.0 kW"),
    ],
)
@time_machine.travel(START + timedelta(minutes=20), tick=False)
def test_a_change_in_words(people: People, powers: list[float], words: str) -> None:
    _, run = planned_site(people.a, slug="home")
    with organization_scope(people.a):
        rows = ScheduleSeries.objects.filter(run=run, device="battery", quantity="power_kw")
        rows.update(values=np.array(powers, dtype=float))
    assert words in panel(people)


@time_machine.travel(START - timedelta(hours=1), tick=False)
def test_before_the_plan_begins_the_panel_says_so(people: People) -> None:
    planned_site(people.a, slug="home")
    assert "No plan covers this moment" in panel(people)
