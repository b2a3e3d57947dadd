"""Pages that would otherwise fall behind: links, floors, processes, decisions, version."""

import re
import tomllib
from pathlib import Path

import pytest

from flexplatform.env import BASE_DIR
from flexplatform.registry import measures
from tests.deploy.compose import ends_by_itself, services

PAGES = sorted([*(BASE_DIR / "docs").rglob("*.md"), *BASE_DIR.glob("*.md")])
PROJECT = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())
ARCHITECTURE = (BASE_DIR / "docs/architecture.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_floors_are_those_that_the_linter_enforces() -> None:
    (layers,) = [each["layers"] for each in PROJECT["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", ARCHITECTURE, re.MULTILINE)
    assert [name for _, name in rows] == layers
    assert [int(floor) for floor, _ in rows] == list(range(len(layers), 0, -1))
    house = re.findall(r"^    (\w+) .*floor (\d)$", (BASE_DIR / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert [name for name, _ in house] == layers


def test_the_picture_has_every_process_that_runs() -> None:
    picture = re.search(r"```mermaid\n(.*?)```", ARCHITECTURE, re.DOTALL)
    assert picture
    drawn = set(re.findall(r"^    (\w+)\[", picture[1], re.MULTILINE))
    assert drawn == {name for name, service in services().items() if not ends_by_itself(service)}


def test_every_decision_is_in_the_index_and_numbered() -> None:
    folder = BASE_DIR / "docs/decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert re.findall(r"^\| \[\d+\]\((.+?)\)", (folder / "README.md").read_text(), re.MULTILINE) == records
    for number, name in enumerate(records, 1):
        text = (folder / name).read_text()
        assert text.startswith(f"# {number:03}: "), name
        assert re.search(r"^\*\*(What it costs|Costs)\.\*\*", text, re.MULTILINE), name


def test_the_version_has_an_entry_among_the_changes() -> None:
    assert f"## {PROJECT['project']['version']}," in (BASE_DIR / "CHANGELOG.md").read_text()


def test_every_figure_is_explained() -> None:
    page = (BASE_DIR / "docs/deployment.md").read_text()
    table = page.partition("\n## Watching it\n")[2].partition("\n## ")[0]
    told = {name.removeprefix("flexplatform").strip("_") for name in re.findall(r"`(\w+)`", table)}
    assert {measure.name for measure in measures} <= told
