from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError

from assets.csv_files import TABLES, write
from assets.models import Battery, ElectricVehicle, Generator, Site
from assets.services import create_asset, import_csv
from flexplatform.accounts import audit
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from tests.assets.test_services import NEEDED, STAY
from tests.conftest import People
from tests.factories import PortfolioFactory, SiteFactory

SITES = """portfolio;name;latitude;longitude;import_limit_kw;external_id
North;Home;48,1;11,5;30;x1
North;Hut;48,2;11,6;;
"""


@pytest.fixture(autouse=True)
def _as_alice(people: People) -> Iterator[None]:
    PortfolioFactory(organization=people.a, name="North")
    with organization_scope(people.a), audit.acting(people.alice, Door.ADMIN):
        yield


def test_sites_are_shown_then_written_once(people: People) -> None:
    shown = import_csv(organization=people.a, table="site", data=SITES, preview=True)
    assert [(row.line, row.name, row.action) for row in shown.rows] == [(2, "Home", "create"), (3, "Hut", "create")]
    assert not shown.done
    assert not Site.objects.exists()
    assert not AuditEvent.objects.exists()
    assert import_csv(organization=people.a, table="site", data=SITES).done
    assert Site.objects.get(slug="home").latitude == 48.1
    again = import_csv(organization=people.a, table="site", data=SITES.splitlines()[0] + "\nNorth;Home;48,1;11,5;30;x1")
    assert [row.action for row in again.rows] == ["keep"]
    assert Site.objects.count() == 2


def test_one_wrong_row_writes_nothing_and_each_is_told(people: People) -> None:
    data = SITES + "South;Barn;48;11;;\nNorth;Shed;99;11;;\nNorth;Twin;48;11;;x1\nNorth;;48;11;;\n"
    found = import_csv(organization=people.a, table="site", data=data)
    assert not found.done
    assert not Site.objects.exists()
    errors = {row.line: " ".join(row.errors) for row in found.wrong}
    assert errors[4] == "portfolio: portfolio is South; allowed: North."
    assert errors[5] == "latitude: latitude must be between -90 and 90. Given: 99.0."
    assert "name: This field cannot be null" in errors[7] or "name: This field cannot be blank" in errors[7]
    assert set(errors) == {4, 5, 7}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "not in UTF-8"),
        ("", "empty"),
        ("name,latitude\n", "column portfolio is missing"),
        ("portfolio,name,latitude,longitude,colour\n", "'colour' is unknown; allowed: portfolio, name"),
        ("portfolio,name,name,latitude,longitude\n", "names a column twice"),
        ("portfolio,name,latitude,longitude\n", "0 rows; allowed: 1 to 1000"),
        ("portfolio,name,latitude,longitude\n" + "a,b,1,2\n" * 1001, "1001 rows"),
        ("portfolio,name,latitude,longitude\n1,2,3,4,5\n", "Line 2 has 5 cells; allowed: 4"),
        ('portfolio,name,latitude,longitude\n"open', "no CSV table"),
        ("x" * 2_000_001, "2000001 bytes"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(people: People, data: bytes | str, message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        import_csv(organization=people.a, table="site", data=data)
    assert message in refusal.value.messages[0]


@pytest.mark.parametrize(
    ("kind", "cells", "message"),
    [
        ("battery", "capacity_kwh\nhome,b,much", "capacity_kwh: “much” value must be a float."),
        ("generator", "power_kw,fuel_curve\nhome,g,5,steep", "fuel_curve is 'steep'; allowed: JSON"),
        ("pv", "capacity_kw,curtailable\nhome,p,5,perhaps", "curtailable is 'perhaps'; allowed: true or false"),
        ("pv", "capacity_kw\nnowhere,p,5", "site is 'nowhere'; allowed: the slug of a site of A"),
        ("pv", "capacity_kw\nforeign,p,5", "site is 'foreign'; allowed: the slug of a site of A"),
        (
            "electric_vehicle",
            'capacity_kwh,charge_power_kw,stays\nhome,c,40,11,"[{""arrival"": ""18:00""}]"',
            "stays[0]",
        ),
    ],
)
def test_a_wrong_cell_is_named(people: People, kind: str, cells: str, message: str) -> None:
    SiteFactory(organization=people.a, slug="home")
    SiteFactory(organization=people.b, slug="foreign")
    found = import_csv(organization=people.a, table=kind, data=f"site,name,{cells}\n")
    assert message in " ".join(found.rows[0].errors)


@pytest.mark.parametrize("kind", sorted(NEEDED))
def test_what_was_exported_is_imported_without_a_change(people: People, kind: str) -> None:
    site = SiteFactory(organization=people.a, slug="home")
    values = {"name": "=1+1", **NEEDED[kind]} | ({"stays": [STAY]} if kind == "electric_vehicle" else {})
    create_asset(site=site, kind=kind, values=values)
    table = TABLES[kind]
    text = write(table, table.model._default_manager.all())
    assert "'=1+1" in text
    kept = import_csv(organization=people.a, table=kind, data=text)
    assert [(row.action, row.errors) for row in kept.rows] == [("keep", ())]
    table.model._default_manager.all().delete()
    made = import_csv(organization=people.a, table=kind, data=text)
    assert [(row.action, row.errors) for row in made.rows] == [("create", ())]
    assert write(table, table.model._default_manager.all()) == text


def test_sites_make_the_round_trip(people: People) -> None:
    import_csv(organization=people.a, table="site", data=SITES)
    text = write(TABLES["site"], Site.objects.select_related("portfolio"))
    assert [row.action for row in import_csv(organization=people.a, table="site", data=text).rows] == ["keep", "keep"]
    changed = import_csv(organization=people.a, table="site", data=text.replace("30.0", "31.0"))
    assert [row.action for row in changed.rows] == ["change", "keep"]
    assert Site.objects.get(slug="home").import_limit_kw == 31


def test_kinds_of_devices_have_their_own_tables() -> None:
    assert [TABLES[kind].model for kind in ("battery", "electric_vehicle", "generator")] == [
        Battery,
        ElectricVehicle,
        Generator,
    ]
