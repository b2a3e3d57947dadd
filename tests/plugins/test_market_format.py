"""A market format that the tree does not know is exported by the engine, for downloads, and over the API."""

import json
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exporters import EXPORTERS, export
from flexmarket.engine.exporters.contract import Exporter, Files, Tables, check_lengths
from flexmarket.exports import offer_files
from optimization.engine.horizon import Horizon
from tests.api.conftest import caller
from tests.conftest import People
from tests.factories import planned_site
from tests.flexmarket.engine.sites import horizon
from tests.flexmarket.engine.tables import small_table

BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class NodesParameters:
    """Which node of the grid the offers are for."""

    node: str = "unknown"

    def __post_init__(self) -> None:
        if not self.node:
            raise OfferError("parameter node", self.node, "a name")


def nodes_files(tables: Tables, horizon: Horizon, zone: ZoneInfo, parameters: NodesParameters) -> Files:
    """Return a JSON document per device, in the market's own sign: what the grid gains is positive."""
    check_lengths(tables, horizon)
    return {
        f"{name}.json": json.dumps(
            {
                "node": parameters.node,
                "from": horizon.start.astimezone(zone).isoformat(),
                "up_kw": [round(float(value), 3) for value in table.positive_power_kw],
            }
        ).encode()
        for name, table in tables.items()
    }


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPORTERS, "nodes", Exporter(parameters=NodesParameters, files=nodes_files))


def test_the_engine_exports_it() -> None:
    table = small_table()
    (name, text), *none = export("nodes", {"bat": table}, horizon(2), BERLIN, node="N7").items()
    told = json.loads(text)
    assert (name, none, told["node"]) == ("bat.json", [], "N7")
    assert told["from"] == "2026-01-12T01:00:00+01:00"
    assert told["up_kw"] == pytest.approx(table.positive_power_kw.tolist(), abs=1e-3)


def test_its_parameters_are_checked_by_name() -> None:
    with pytest.raises(OfferError, match="parameter grid is x; allowed: one of node"):
        export("nodes", {"bat": small_table()}, horizon(2), BERLIN, grid="x")


def test_a_download_offers_no_workbook_that_it_does_not_have() -> None:
    assert list(offer_files("nodes", {"bat": small_table()}, horizon(2), BERLIN, ("csv",))) == ["bat.json"]
    with pytest.raises(OfferError, match="format for nodes is xlsx"):
        offer_files("nodes", {"bat": small_table()}, horizon(2), BERLIN, ("xlsx",))


def test_the_portal_and_the_api_serve_it(people: People) -> None:
    site, run = planned_site(people.a)
    answer = caller(people.a, people.alice).get(f"/api/v1/offers/export/?run={run.pk}&market=nodes")
    assert answer.status_code == 200, answer.content
    with ZipFile(BytesIO(answer.content)) as archive:
        assert [json.loads(archive.read(name))["node"] for name in archive.namelist()] == ["unknown"]
    page = people.client("alice").get("/o/a/offers/").content.decode()
    assert 'value="nodes"' in page
    assert site.organization == people.a
