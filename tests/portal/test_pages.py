import csv
from datetime import timedelta
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from django.urls import reverse

from tests.conftest import People
from tests.factories import COUNT, PhotovoltaicFactory, SiteFactory, planned_site

pytestmark = pytest.mark.one_database

OVERVIEW_QUERIES = 28
MAP_QUERIES = 12
SITE_QUERIES = 15


@pytest.mark.parametrize("count", [1, 3])
def test_the_overview_asks_no_more_for_more_sites(
    people: People, count: int, django_assert_num_queries: object
) -> None:
    for number in range(count):
        planned_site(people.a, name=f"House {number}")
    client = people.client("alice")
    # The market's figures are kept for a minute.
    client.get("/o/a/")
    with django_assert_num_queries(OVERVIEW_QUERIES):  # type: ignore[operator]
        page = client.get("/o/a/").content.decode()
    assert page.count("/sites/") == count
    assert "unmet wishes" in page


@pytest.mark.parametrize("count", [1, 3])
def test_the_map_asks_no_more_for_more_sites(people: People, count: int, django_assert_num_queries: object) -> None:
    for _ in range(count):
        planned_site(people.a)
    client = people.client("alice")
    with django_assert_num_queries(MAP_QUERIES):  # type: ignore[operator]
        sites = client.get(reverse("site_map", args=["a"])).json()["sites"]
    assert len(sites["name"]) == count


def test_an_organization_without_sites_reads_what_to_do(people: People) -> None:
    assert b"No sites yet" in people.client("alice").get("/o/a/").content


def test_a_site_without_schedule_says_so(people: People) -> None:
    SiteFactory(organization=people.a, slug="new")
    page = people.client("alice").get(reverse("site", args=["a", "new"])).content
    assert b"No schedule" in page
    assert b"no devices yet" in page


def test_the_site_page_shows_cost_saving_wishes_and_downloads(people: People) -> None:
    planned_site(people.a, slug="home")
    page = people.client("alice").get(reverse("site", args=["a", "home"])).content.decode()
    for text in (
        "1.50",
        "0.50",
        "lowest state of charge",
        "00:00",
        "Download ALF",
        "Download COMAX",
        "Schedule as CSV",
    ):
        assert text in page


def test_a_viewer_sees_offers_but_no_download(people: People) -> None:
    planned_site(people.a, slug="home")
    page = people.client("bob").get(reverse("site", args=["a", "home"])).content.decode()
    assert "Flexibility offers" in page
    assert "Download" not in page


@pytest.mark.parametrize("day", ["2026-11-23", "yesterday", "\0", "<script>", "0001-01-01", "9999-12-31"])
def test_a_day_without_schedule_is_an_empty_page(people: People, day: str) -> None:
    planned_site(people.a, slug="home")
    response = people.client("alice").get(reverse("site", args=["a", "home"]), {"day": day})
    assert response.status_code == 200
    assert b"No schedule" in response.content
    assert b"<script>" not in response.content


def test_the_day_is_the_sites_local_one(people: People) -> None:
    planned_site(people.a, slug="home")
    response = people.client("alice").get(reverse("site", args=["a", "home"]), {"day": "2026-11-22"})
    assert b"Sunday, 22 November 2026" in response.content


def test_charts_carry_units_zone_and_signs(people: People) -> None:
    _, run = planned_site(people.a)
    client = people.client("alice")
    page = client.get(reverse("schedule_charts", args=["a", run.pk])).json()
    assert (page["zone"], page["step_seconds"], page["count"]) == ("Europe/Berlin", 900, COUNT)
    units = {chart["name"]: chart["unit"] for chart in page["charts"]}
    assert units == {"power": "kW", "contents": "%", "prices": "ct/kWh"}
    offers = client.get(reverse("offer_charts", args=["a", run.pk])).json()["charts"][0]
    series = {line["label"]: line["values"] for line in offers["series"]}
    assert series["Positive"] == [1.0] * COUNT
    assert series["Negative"] == [-1.0] * COUNT
    assert series["Price, positive"] == [30.0] * COUNT


def test_the_schedule_downloads_as_csv_in_local_time(people: People) -> None:
    _, run = planned_site(people.a, slug="home")
    response = people.client("alice").get(reverse("schedule_csv", args=["a", run.pk]))
    assert response["Content-Disposition"] == 'attachment; filename="home_2026-11-22_schedule.csv"'
    rows = list(csv.DictReader(StringIO(response.content.decode())))
    assert len(rows) == COUNT
    assert rows[0]["start_local"] == "2026-11-22T00:00:00+01:00"
    assert float(rows[0]["battery.power_kw"]) == 1


@pytest.mark.parametrize("market", ["comax", "alf"])
def test_offers_download_as_one_file_per_device(people: People, market: str) -> None:
    _, run = planned_site(people.a, slug="home")
    response = people.client("alice").get(reverse("offer_export", args=["a", run.pk, market]))
    assert response["Content-Type"] == "application/zip"
    with ZipFile(BytesIO(response.content)) as archive:
        (name,) = archive.namelist()
        assert "battery" in name
        assert len(archive.read(name).splitlines()) >= COUNT


@pytest.mark.parametrize("count", [1, 3])
def test_a_site_asks_no_more_for_more_devices_and_runs(
    people: People, count: int, django_assert_num_queries: object
) -> None:
    site, run = planned_site(people.a, slug="home")
    for number in range(1, count):
        PhotovoltaicFactory(site=site, name=f"pv {number}")
        run.pk, run.start = None, run.start + timedelta(days=1)
        run.save()
    client = people.client("alice")
    with django_assert_num_queries(SITE_QUERIES):  # type: ignore[operator]
        client.get(reverse("site", args=["a", "home"]))


def test_a_run_number_beyond_every_database_does_not_exist(people: People) -> None:
    assert people.client("alice").get(reverse("schedule_csv", args=["a", 10**30])).status_code == 404


def test_days_link_to_their_neighbours(people: People) -> None:
    _, run = planned_site(people.a, slug="home")
    run.pk, run.start = None, run.start + timedelta(days=1)
    run.save()
    newest = people.client("alice").get(reverse("site", args=["a", "home"])).content.decode()
    assert "Monday, 23 November 2026" in newest
    assert 'href="?day=2026-11-22"' in newest


def test_an_unknown_market_does_not_exist(people: People) -> None:
    _, run = planned_site(people.a)
    assert people.client("alice").get(reverse("offer_export", args=["a", run.pk, "moon"])).status_code == 404
