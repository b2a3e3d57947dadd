"""The scenario lab in the portal: upload, solve, change a number, compare, download, delete."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from flexmarket.models import Scenario, ScenarioArchive, ScenarioRun, ScenarioSeries
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from optimization.scenarios import MAX_BYTES, template
from tests.conftest import People
from tests.optimization.portfolios import work_off

pytestmark = pytest.mark.one_database

LAB = "/o/a/scenarios/"
# Of a scenario, and of one of its runs.
PAGE_QUERIES = (5, 4)
NEW = {"name": "Try", "day": "2026-11-22", "step_minutes": "60"}


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def alice(people: People, in_a: None) -> Client:
    return people.client("alice")


def upload(client: Client, data: bytes, name: str = "site.csv", **form: str) -> Any:
    return client.post(f"{LAB}new/", {**NEW, **form, "file": SimpleUploadedFile(name, data)})


class Fields(HTMLParser):
    """What a browser sends when the form of a page is sent as it stands."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, Any] = {}
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "input" and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            self.sent[given.get("name") or ""] = given.get("value") or ("on" if "checked" in given else "")
        elif tag == "select":
            self.select = given.get("name") or ""
        elif tag == "option" and "selected" in given:
            self.sent[self.select] = given["value"]


def form_of(client: Client, page: str) -> dict[str, Any]:
    return Fields(client.get(page).content.decode()).sent


def solve(client: Client, scenario: Scenario, **changes: Any) -> ScenarioRun:
    page = f"{LAB}{scenario.pk}/"
    answer = client.post(page, {**form_of(client, page), **changes})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    work_off()
    return ScenarioRun.objects.select_related("job", "scenario").latest("id")


def test_from_a_file_to_a_comparison_and_everything_to_download(alice: Client) -> None:
    file = template("xlsx")
    assert upload(alice, file, "my site.xlsx")["Location"].startswith(LAB)
    scenario = Scenario.objects.get()
    page = alice.get(f"{LAB}{scenario.pk}/").content.decode()
    assert "Not solved yet" in page
    assert "capacity; 0 means no battery" in page
    before = solve(alice, scenario)
    assert before.job.status == Job.Status.SUCCEEDED, before.job.error
    assert before.changes == {}
    assert before.label == "As given"
    after = solve(alice, scenario, **{"bat.capacity_kwh": "30", "scale:load.demand_kw": "1.2", "label": "More"})
    assert after.changes == {"bat.capacity_kwh": 30.0, "scale:load.demand_kw": 1.2}
    assert after.summary["total_cost_eur"] != before.summary["total_cost_eur"]

    shown = alice.get(f"{LAB}{scenario.pk}/runs/{after.pk}/").content.decode()
    assert "bat: Capacity (kWh)" in shown
    charts = alice.get(f"{LAB}{scenario.pk}/runs/{after.pk}/charts.json").json()
    names = [chart["name"] for chart in charts["charts"]]
    assert names[:4] == ["power", "heat", "contents", "prices"]
    assert "offers-bat" in names
    assert charts["count"] == 24

    chosen = alice.get(f"{LAB}{scenario.pk}/compare/", {"before": before.pk, "after": after.pk})
    compared = alice.get(chosen["Location"])
    figures = {each.name: each for each in compared.context["figures"]}
    cost = figures["total_cost_eur"]
    assert cost.difference == pytest.approx(after.summary["total_cost_eur"] - before.summary["total_cost_eur"])
    assert "as given" in compared.content.decode()
    overlay = alice.get(f"{chosen['Location']}charts.json").json()["charts"]
    assert [chart["name"] for chart in overlay] == ["power", "contents"]
    assert [series["dashed"] for series in overlay[0]["series"]] == [True, False]

    archive = alice.get(f"{LAB}{scenario.pk}/runs/{after.pk}/all.zip")
    with ZipFile(BytesIO(archive.content)) as packed:
        names = packed.namelist()
        assert packed.read("input/my site.xlsx") == file
        assert json.loads(packed.read("input/changes.json")) == after.changes
        summary = json.loads(packed.read("summary.json"))
    assert {"schedule.csv", "schedule.xlsx", "summary.json", "plots/energy_balance.png"} <= set(names)
    assert any(name.startswith("offers/comax/") for name in names)
    assert any(name.startswith("offers/alf/") for name in names)
    assert summary["total_cost_eur"] == after.summary["total_cost_eur"]

    assert alice.post(f"{LAB}{scenario.pk}/delete/")["Location"] == LAB
    assert not Scenario.objects.exists()
    assert not ScenarioSeries.objects.exists()
    assert not ScenarioArchive.objects.exists()
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"scenario.create", "scenario.solve", "scenario.delete"} <= actions


def test_every_error_of_a_file_is_shown_at_its_cell(alice: Client) -> None:
    lines = template("csv").decode().split("\r\n")
    header = lines[0].split(";")
    row = next(index for index, line in enumerate(lines) if line.startswith("bat;maxpow"))
    lines[row] = "bat;maxpow;much" + ";" * (len(header) - 3)
    first = next(index for index, line in enumerate(lines) if line.startswith("0;"))
    cells = lines[first].split(";")
    cells[header.index("ele_price_in")] = "99"
    cells[header.index("load_elec")] = "-1"
    lines[first] = ";".join(cells)
    answer = upload(alice, "\r\n".join(lines).encode())
    page = answer.content.decode()
    assert answer.status_code == 422
    assert [(each.place.row, each.place.column) for each in answer.context["checked"].errors] == [
        (row + 1, "value"),
        (first + 1, "load_elec"),
        (first + 1, "ele_price_in"),
    ]
    assert "site.csv cannot be used: 3 things are wrong" in page
    wrong = [cell for line in answer.context["checked"].tables[0].lines for cell in line.cells if cell.wrong]
    assert [cell.text for cell in wrong] == ["much", "-1", "99"]
    assert "99 is out of range; allowed: a number of at least -10 and at most 10 (EUR/kWh)" in wrong[2].wrong
    assert 'value="Try"' in page
    assert not Scenario.objects.exists()


def bomb() -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", 8) as file:
        file.writestr("xl/worksheets/sheet1.xml", b"0" * 40_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (b"", "empty.csv", "empty"),
        (b"\0\1", "site.csv", "not text"),
        (b"not a workbook", "site.xlsx", "not an XLSX workbook"),
        (template("csv"), "site.ods", "unknown ending"),
        (template("csv"), "site", "no ending"),
        (bomb(), "bomb.xlsx", "unpacks to more than it should"),
        (b"x" * (MAX_BYTES + 1), "large.csv", "larger than 5 MB"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(alice: Client, data: bytes, name: str, told: str) -> None:
    answer = upload(alice, data, name)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Scenario.objects.exists()


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, "Choose a file or a named scenario."),
        ({"template": "castle"}, "castle is not one of the available choices"),
        ({"template": "bat", "day": "0001-01-01"}, "day is 0001-01-01; allowed: a day between 1970 and 2100"),
        ({"template": "bat", "day": "soon"}, "Enter a valid date"),
        ({"template": "bat", "step_minutes": "7"}, "7 is not one of the available choices"),
    ],
)
def test_a_form_that_cannot_be_is_shown_again(alice: Client, form: dict[str, str], told: str) -> None:
    answer = alice.post(f"{LAB}new/", {**NEW, **form})
    assert answer.status_code == 422
    assert told in answer.content.decode()


@pytest.fixture
def scenario(alice: Client) -> Scenario:
    alice.post(f"{LAB}new/", {**NEW, "template": "bat"})
    return Scenario.objects.get()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("bat.capacity_kwh", "-3", "-3.0 is not possible; allowed: more than 0"),
        ("bat.capacity_kwh", "much", "Enter a number."),
        ("scale:load.demand_kw", "-1", "-1.0 is not possible; allowed: 0 to 1000"),
        ("solver", "magic", "magic is not one of the available choices"),
        ("gap_percent", "-1", "greater than or equal to 0"),
    ],
)
def test_a_number_that_cannot_be_is_told_at_its_field_and_kept(
    alice: Client, scenario: Scenario, name: str, value: str, told: str
) -> None:
    page = f"{LAB}{scenario.pk}/"
    answer = alice.post(page, {**form_of(alice, page), name: value})
    assert answer.status_code == 422
    assert [told in error for error in answer.context["form"].errors[name]] == [True]
    assert answer.context["form"][name].value() == value
    assert not ScenarioRun.objects.exists()


def test_a_second_click_is_the_same_run_and_a_changed_number_another(alice: Client, scenario: Scenario) -> None:
    page = f"{LAB}{scenario.pk}/"
    sent = form_of(alice, page)
    assert alice.post(page, sent)["Location"] == alice.post(page, sent)["Location"]
    assert ScenarioRun.objects.count() == 1
    other = alice.post(page, {**sent, "bat.capacity_kwh": "7"})
    assert other.status_code == 422
    assert "was sent before with other numbers" in other.content.decode()
    assert other.context["form"]["key"].value() != sent["key"]


def test_what_is_being_solved_shows_how_far_it_is_and_cannot_be_deleted(alice: Client, scenario: Scenario) -> None:
    page = f"{LAB}{scenario.pk}/"
    run = alice.post(page, form_of(alice, page))["Location"]
    waiting = alice.get(run)
    assert "hx-get" in waiting.content.decode()
    assert "data-confirm" in waiting.content.decode()
    assert "HX-Refresh" not in alice.get(run, headers={"HX-Request": "true"})
    told = alice.post(f"{page}delete/", follow=True).content.decode()
    assert "is being solved; cancel that first" in told
    job = Job.objects.get(kind="solve_scenario")
    alice.post(f"/o/a/jobs/{job.pk}/cancel/")
    assert alice.get(run, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert alice.get(f"{run}charts.json").status_code == 404
    assert alice.post(f"{page}delete/")["Location"] == LAB


def test_a_run_begins_with_the_numbers_of_another(alice: Client, scenario: Scenario) -> None:
    run = solve(alice, scenario, **{"bat.capacity_kwh": "12", "gap_percent": "2"})
    form = alice.get(f"{LAB}{scenario.pk}/?from={run.pk}").context["form"]
    assert form["bat.capacity_kwh"].value() == 12
    assert form["gap_percent"].value() == pytest.approx(2)
    assert [group.name for group in form.groups() if group.is_open] == ["bat"]


def test_a_plan_that_cannot_be_made_fails_with_the_reason(alice: Client, scenario: Scenario) -> None:
    Scenario.objects.update(template="gone")
    job = Job.objects.create(organization=scenario.organization, kind="solve_scenario", title="Solve")
    ScenarioRun.objects.create(
        organization=scenario.organization, scenario=scenario, job=job, label="x", solver="milp", gap=0.1, time_limit=1
    )
    work_off()
    job.refresh_from_db()
    assert job.status == Job.Status.FAILED
    assert "gone: no such scenario" in job.error


def test_a_stay_is_changed_in_local_time(alice: Client, in_a: None) -> None:
    alice.post(f"{LAB}new/", {**NEW, "template": "ev"})
    scenario = Scenario.objects.get()
    name = next(name for name in form_of(alice, f"{LAB}{scenario.pk}/") if name.endswith("[0].departure"))
    run = solve(alice, scenario, **{name: "2026-11-22T06:00"})
    assert run.changes == {name: "2026-11-22T05:00:00+00:00"}


@pytest.mark.parametrize("count", [1, 3])
def test_pages_ask_no_more_for_more_runs(
    alice: Client, scenario: Scenario, count: int, django_assert_num_queries: Any
) -> None:
    for number in range(count):
        run = solve(alice, scenario, **{"bat.capacity_kwh": f"{5 + number}"})
    for page in (f"{LAB}{scenario.pk}/", f"{LAB}{scenario.pk}/runs/{run.pk}/"):
        alice.get(page)
        with django_assert_num_queries(PAGE_QUERIES[page.count("runs")]):
            alice.get(page)
