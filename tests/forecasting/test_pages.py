from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.models import ForecastRun
from forecasting.services import receive_forecast
from telemetry.models import Channel
from tests.conftest import People
from tests.forecasting.makers import HOUR, ISSUED, START, delivery, house

pytestmark = pytest.mark.one_database

PAGE_QUERIES = 5
PAGE, CHART, IMPORT = (
    "/o/a/sites/home/forecasts/",
    "/o/a/sites/home/forecasts/chart.json",
    "/o/a/sites/home/forecasts/import/",
)
FILE = (
    "time,load.demand_kw,load.demand_kw.p10,pv.available_power_kw\n"
    "2026-11-21 00:00,1,0.5,0\n2026-11-21 00:15,2,1.5,1.5\n"
)


@pytest.fixture
def site(people: People) -> Site:
    return house(people.a, slug="home", name="Home")


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


def asked(text: str = FILE, **changes: Any) -> dict[str, Any]:
    file = SimpleUploadedFile("f.csv", text.encode())
    given = {"file": file, "source": "meteo", "issued_at": "2026-11-20T10:00", "sign": "production"}
    return {**given, **changes}


def rows(people: People) -> int:
    with organization_scope(people.a):
        return ForecastRun.objects.count()


def test_a_file_is_shown_first_and_stored_when_asked_to(people: People, site: Site) -> None:
    client = people.client("alice")
    shown = client.post(IMPORT, asked())
    assert (shown.status_code, rows(people)) == (200, 0)
    assert "All of the file can be imported" in shown.content.decode()
    with organization_scope(people.a):
        assert not Channel.objects.exists()
    hidden = {**asked(text=""), "text": FILE, "import": "1"}
    del hidden["file"]
    done = client.post(IMPORT, hidden)
    assert (done.status_code, done["Location"]) == (302, PAGE)
    assert client.post(IMPORT, hidden).status_code == 302
    with organization_scope(people.a):
        assert ForecastRun.objects.count() == 2
        plant = ForecastRun.objects.get(channel__quantity="available_power_kw")
        np.testing.assert_array_equal(plant.series.mean, [0, -1.5])
        assert (plant.start, plant.issued_at) == (START, ISSUED)


def test_what_is_wrong_is_shown_by_line_and_nothing_stored(people: People, site: Site) -> None:
    text = FILE.replace("00:15,2,1.5,1.5", "00:15,-2,x,1.5")
    page = people.client("alice").post(IMPORT, asked(text, **{"import": "1"}))
    assert (page.status_code, rows(people)) == (422, 0)
    html = page.content.decode()
    assert "Nothing was imported" in html
    assert "&#x27;x&#x27; is no number." in html
    html = people.client("alice").post(IMPORT, asked(FILE.replace(",2,", ",-2,"))).content.decode()
    assert '<td>3</td><td class="fp-wrap">load.demand_kw</td><td class="fp-wrap">-2; allowed: at least 0.</td>' in html


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("engine.power_kw", "asset is &#x27;engine&#x27;; allowed: the name or id of a device of home."),
        ("load.yield_kw_per_kw", "allowed for electric_load"),
        ("nonsense", "allowed: &lt;device&gt;.&lt;quantity&gt;"),
        ("load.demand_kw.p20", "quantiles only"),
    ],
)
def test_columns_of_nothing_are_refused(people: People, site: Site, heading: str, message: str) -> None:
    text = f"time,{heading}\n2026-11-21 00:00,0\n2026-11-21 00:15,0\n"
    page = people.client("alice").post(IMPORT, asked(text))
    assert page.status_code == 422
    assert message in page.content.decode()
    assert rows(people) == 0


@pytest.mark.parametrize(
    "changes", [{"source": ""}, {"issued_at": "then"}, {"issued_at": "0001-01-01T00:00"}, {"sign": "up"}, {"file": ""}]
)
def test_a_wrong_form_stores_nothing(people: People, site: Site, changes: dict[str, Any]) -> None:
    assert people.client("alice").post(IMPORT, asked(**changes, **{"import": "1"})).status_code == 422
    assert rows(people) == 0


def test_a_file_for_another_organization_finds_no_site(people: People, site: Site) -> None:
    house(people.b, slug="theirs")
    client = people.client("alice")
    assert client.post(IMPORT.replace("home", "theirs"), asked()).status_code == 404
    assert people.client("charlie").post(IMPORT, asked()).status_code == 404
    assert people.client("bob").post(IMPORT, asked()).status_code == 403
    assert rows(people) == 0


@pytest.mark.usefixtures("in_a")
def test_page_and_chart_show_what_was_known_when(people: People, site: Site) -> None:
    band = {"quantiles": {0.1: [0.5] * 4, 0.9: [3] * 4}}
    receive_forecast(organization=people.a, delivery=delivery(site, **band))
    receive_forecast(
        organization=people.a, delivery=delivery(site, issued_at=ISSUED + 2 * HOUR, values=[2] * 4, source="nowcast")
    )
    client = people.client("bob")
    html = client.get(PAGE).content.decode()
    assert "nowcast" in html
    assert "2026-11-20 12:00" in html
    assert "Import forecasts" not in html
    chart = client.get(CHART).json()["charts"][0]
    assert (chart["title"], chart["unit"], [series["label"] for series in chart["series"]]) == (
        "load.demand_kw",
        "kW",
        ["Mean"],
    )
    then = {"known_at": "2026-11-20T11:59"}
    assert "meteo" in client.get(PAGE, then).content.decode()
    series = client.get(CHART, then).json()["charts"][0]["series"]
    assert [(each["label"], each["style"]) for each in series] == [
        ("Quantile 0.1", "steps"),
        ("Quantile 0.9", "band"),
        ("Mean", "steps"),
    ]
    assert series[2]["values"][:5] == [1, 1, 1, 1, None]
    assert "Nothing was known" in client.get(PAGE, {"known_at": "2026-11-20T09:00"}).content.decode()
    assert client.get(CHART, {"known_at": "2026-11-20T09:00"}).json()["charts"] == []
    assert client.get(CHART, {"day": "2026-11-25"}).json()["charts"] == []


@pytest.mark.parametrize(
    "query", [{"channel": "x"}, {"channel": "0"}, {"channel": 10**30}, {"day": "0001-01-01"}, {"known_at": "soon"}]
)
def test_nonsense_in_the_address_breaks_nothing(people: People, site: Site, query: dict[str, Any]) -> None:
    client = people.client("bob")
    assert client.get(PAGE, query).status_code == client.get(CHART, query).status_code == 200


@pytest.mark.usefixtures("in_a")
def test_a_channel_of_others_cannot_be_looked_at(people: People, site: Site) -> None:
    with organization_scope(people.b):
        theirs = receive_forecast(organization=people.b, delivery=delivery(house(people.b))).channel_id
    second = receive_forecast(organization=people.a, delivery=delivery(house(people.a, slug="second"))).channel_id
    for channel in (theirs, second):
        assert people.client("bob").get(CHART, {"channel": channel}).json()["charts"] == []


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize("count", [1, 3])
def test_the_page_asks_no_more_for_more_channels(
    people: People, site: Site, count: int, django_assert_num_queries: Any
) -> None:
    for quantity in ["power_kw", "yield_kw_per_kw", "available_power_kw"][:count]:
        receive_forecast(organization=people.a, delivery=delivery(site, "pv", quantity, values=[0]))
    client = people.client("alice")
    with django_assert_num_queries(PAGE_QUERIES):
        html = client.get(PAGE).content.decode()
    assert html.count("?channel=") == count + 1


def test_the_sites_page_leads_to_the_forecasts(people: People, site: Site) -> None:
    assert reverse("forecasts", args=["a", "home"]) in people.client("bob").get("/o/a/sites/home/").content.decode()
