"""Files with readings: all of a file or nothing, with what is wrong at its cell."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from openpyxl import Workbook

from assets.models import Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from telemetry.models import Channel, Reading, Rollup
from telemetry.services.imports import import_readings
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory

DAY = timezone.now().astimezone(UTC).date() - timedelta(days=2)
PAGE = "/o/a/telemetry/import/home/"
FILE = f"time,battery.power_kw,site.grid_power_kw\n{DAY}T12:00:00Z,2.5,4\n{DAY}T12:00:30Z,,5\n{DAY}T13:00:00Z,-1,6\n"


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a, slug="home", time_zone="Europe/Berlin")
    BatteryFactory(site=row)
    SiteFactory(organization=people.b, slug="theirs")
    return row


def test_an_empty_cell_is_no_reading_and_times_need_no_equal_steps(site: Site, in_a: None) -> None:
    result = import_readings(site=site, data=FILE)
    assert (result.done, result.wrong, result.stored.new) == (True, (), 5)
    values = dict(Channel.objects.values_list("quantity", "last_value"))
    assert values == {"power_kw": -1.0, "grid_power_kw": 6.0}
    again = import_readings(site=site, data=FILE.replace("2.5", "9"))
    assert (again.stored.new, again.stored.known) == (0, 5)
    assert Reading.objects.filter(value=9).count() == 0
    assert Rollup.objects.count() == 4


def test_the_sign_of_the_file_is_turned_where_it_can_be(site: Site, in_a: None) -> None:
    import_readings(
        site=site,
        data=f"time,battery.power_kw,battery.soc_percent\n{DAY} 12:00,2,50\n{DAY} 12:15,0,51\n",
        sign="production",
    )
    assert sorted(Reading.objects.values_list("value", flat=True)) == [-2.0, 0.0, 50.0, 51.0]
    first = Reading.objects.order_by("time")[0].time
    assert first.astimezone(site.zone).hour == 12


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (
            f"time,battery.soc_percent\n{DAY} 12:00,50\n{DAY} 12:15,140\n",
            3,
            "battery.soc_percent",
            "140; allowed: 0 to 100",
        ),
        (f"time,battery.soc_percent\n{DAY} 12:00,50\n{DAY} 12:15,x\n", 3, "battery.soc_percent", "'x' is no number."),
        (f"time,battery.soc_percent\n{DAY} 12:00,50\n{DAY} 12:15,inf\n", 3, "battery.soc_percent", "no number"),
        ("time,battery.soc_percent\n2001-01-01 12:00,50\n2001-01-01 12:15,51\n", 2, "time", "at most two years old"),
        (f"time,battery.soc_percent\nnoon,50\n{DAY} 12:15,51\n", 2, "time", "'noon' is no time here"),
        (
            f"time,wind.power_kw\n{DAY} 12:00,1\n{DAY} 12:15,1\n",
            1,
            "wind.power_kw",
            "allowed: the name or id of a device of home",
        ),
        (f"time,battery.humour\n{DAY} 12:00,1\n{DAY} 12:15,1\n", 1, "battery.humour", "quantity is 'humour'"),
        (f"time,power\n{DAY} 12:00,1\n{DAY} 12:15,1\n", 1, "power", "allowed: <device>.<quantity>"),
        (
            f"time,site.grid_power_kw\n{DAY} 12:00,1e13\n{DAY} 12:15,1\n",
            2,
            "site.grid_power_kw",
            "1e+13; allowed: a finite number",
        ),
        (f"time,battery.power_kw\n{DAY} 12:00,1\n", 0, "", "1 steps; allowed: 2 to 50000"),
        ("", 1, "", "The heading must be time"),
    ],
)
def test_what_is_wrong_is_said_at_its_cell(
    site: Site, in_a: None, text: str, line: int, column: str, message: str
) -> None:
    result = import_readings(site=site, data=text)
    first = result.wrong[0]
    assert (first.line, first.column) == (line, column)
    assert message in first.message
    assert not Reading.objects.exists()
    assert not Channel.objects.exists()


def test_a_preview_stores_nothing(site: Site, in_a: None) -> None:
    result = import_readings(site=site, data=FILE, preview=True)
    assert (result.done, result.stored.new) == (False, 5)
    assert not Reading.objects.exists()
    assert not Channel.objects.exists()


def workbook() -> bytes:
    book = Workbook()
    sheet: Any = book.active
    sheet.append(["time", "battery.power_kw"])
    sheet.append([datetime(DAY.year, DAY.month, DAY.day, 12), 2.5])
    sheet.append([datetime(DAY.year, DAY.month, DAY.day, 12, 15), None])
    sheet.append([datetime(DAY.year, DAY.month, DAY.day, 12, 30), 3])
    data = BytesIO()
    book.save(data)
    return data.getvalue()


@pytest.mark.parametrize(("name", "data", "count"), [("x.csv", FILE.encode(), 5), ("x.xlsx", workbook(), 2)])
def test_a_file_is_shown_and_then_stored(people: People, site: Site, name: str, data: bytes, count: int) -> None:
    client = people.client("alice")
    shown = client.post(PAGE, {"file": SimpleUploadedFile(name, data), "sign": "consumption"})
    assert shown.status_code == 200
    assert "All of the file can be imported" in shown.content.decode()
    with organization_scope(people.a):
        assert not Reading.objects.exists()
    stored = client.post(PAGE, {"text": shown.context["asked"]["text"], "sign": "consumption", "import": "1"})
    assert stored.status_code == 302
    with organization_scope(people.a):
        assert Reading.objects.count() == count


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe\x00", "not in UTF-8"),
        (b"PK\x03\x04 no workbook", "not an XLSX workbook"),
        (b"x" * 2_000_001, "allowed: 2000000"),
        (b"", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(people: People, site: Site, data: bytes, message: str) -> None:
    page = people.client("alice").post(PAGE, {"file": SimpleUploadedFile("x.csv", data), "sign": "consumption"})
    assert page.status_code == 422
    assert message in page.content.decode()


def test_a_wrong_cell_is_shown_in_the_page(people: People, site: Site) -> None:
    text = f"time,battery.soc_percent\n{DAY} 12:00,50\n{DAY} 12:15,140\n"
    page = people.client("alice").post(PAGE, {"text": text, "sign": "consumption", "import": "1"})
    assert page.status_code == 422
    assert "140; allowed: 0 to 100." in page.content.decode()
