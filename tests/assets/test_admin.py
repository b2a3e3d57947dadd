"""What asset managers do in the administration, and what they cannot reach there."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from assets.models import KINDS, Battery, Portfolio, Site, SiteTariff, Tariff
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import (
    BatteryFactory,
    PortfolioFactory,
    PriceSeriesFactory,
    PriceValuesFactory,
    SiteFactory,
    SiteTariffFactory,
    TariffFactory,
)

pytestmark = pytest.mark.one_database

SITE_LIST_QUERIES = 11
BATTERY_LIST_QUERIES = 9
CSV = "portfolio,name,latitude,longitude\nNorth,Home,48,11\n"
INLINE = {"tariffs-TOTAL_FORMS": 0, "tariffs-INITIAL_FORMS": 0}
PERIODS = {"periods-TOTAL_FORMS": 0, "periods-INITIAL_FORMS": 0}


@pytest.fixture
def client(people: People) -> Client:
    return people.client("alice")


@pytest.fixture
def home(people: People) -> Site:
    portfolio = PortfolioFactory(organization=people.a, name="North")
    row: Site = SiteFactory(organization=people.a, portfolio=portfolio, name="Home", slug="home")
    return row


def actions(people: People) -> list[str]:
    with organization_scope(people.a):
        return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("table", "queries"), [("site", SITE_LIST_QUERIES), ("battery", BATTERY_LIST_QUERIES)])
def test_lists_ask_no_more_for_more_rows(
    people: People, client: Client, count: int, table: str, queries: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        BatteryFactory(site=SiteFactory(organization=people.a))
    with django_assert_num_queries(queries):
        page = client.get(f"/admin/assets/{table}/").content.decode()
    assert page.count('name="_selected_action"') == count
    assert "Import CSV" in page


@pytest.mark.parametrize("model", [*KINDS.values(), Site, Portfolio, Tariff])
def test_every_table_has_a_form_with_help(people: People, client: Client, model: Any) -> None:
    page = client.get(f"/admin/assets/{model._meta.model_name}/add/").content.decode()
    assert 'class="help"' in page
    assert "<script>" not in page
    if any(field.name == "latitude" for field in model._meta.fields):
        assert 'data-map-picker data-latitude="id_latitude" data-longitude="id_longitude"' in page
        assert "map_picker.js" in page


def test_labels_say_units(client: Client) -> None:
    page = client.get("/admin/assets/battery/add/").content.decode()
    for label in ("Capacity (kWh)", "Charge power (kW)", "Min state of charge (%)", "Wear cost (EUR/kWh)"):
        assert label in page


def test_a_foreign_row_is_offered_nowhere(people: People, client: Client, home: Site) -> None:
    SiteFactory(organization=people.b, name="Foreign site", portfolio__name="Foreign portfolio")
    TariffFactory(organization=people.b, name="Foreign tariff")
    for page in ("site/", "site/add/", f"site/{home.pk}/change/", "tariff/", "battery/", "site/export/"):
        assert b"Foreign" not in client.get(f"/admin/assets/{page}").content
    for model, field in (("battery", "site"), ("sitetariff", "tariff"), ("tariff", "price_series")):
        query = {"app_label": "assets", "model_name": model, "field_name": field, "term": "Foreign"}
        assert b"Foreign" not in client.get("/admin/autocomplete/", query).content


def test_foreign_ids_are_refused(people: People, client: Client, home: Site) -> None:
    foreign = SiteFactory(organization=people.b)
    battery = BatteryFactory(site=foreign)
    tariff = TariffFactory(organization=people.b)
    for page in (
        f"site/{foreign.pk}/change/",
        f"site/{foreign.pk}/copy/",
        f"site/{foreign.pk}/history/",
        f"battery/{battery.pk}/history/",
        f"battery/{battery.pk}/history/1/",
        f"battery/{battery.pk}/delete/",
    ):
        assert client.get(f"/admin/assets/{page}").status_code in {302, 403, 404}, page
    form = {"site": foreign.pk, "name": "b", "capacity_kwh": 1, "charge_power_kw": 1, "discharge_power_kw": 1}
    assert client.post("/admin/assets/battery/add/", form).status_code == 200
    bulk = {"action": "edit_selected", "apply": "1", "_selected_action": foreign.pk, "congestion_point": "mine"}
    client.post("/admin/assets/site/", bulk)
    bulk = {**bulk, "_selected_action": home.pk, "tariff": tariff.pk, "tariff_from": "2026-01-01"}
    assert b"Select a valid choice" in client.post("/admin/assets/site/", bulk).content
    data = {"organization": people.b.pk, "text": CSV, "import": "1"}
    assert b"Select a valid choice" in client.post("/admin/assets/site/import/", data).content
    with organization_scope(people.b):
        assert Battery.objects.count() == 1
        assert not Site.objects.exclude(congestion_point="").exists()
    with organization_scope(people.a):
        assert not SiteTariff.objects.exists()


def test_a_viewer_and_a_stranger_stay_outside(people: People, home: Site) -> None:
    for name in ("bob", "dave", "charlie"):
        other = people.client(name)
        for page in (f"site/{home.pk}/copy/", f"site/{home.pk}/change/", f"site/{home.pk}/history/"):
            assert other.get(f"/admin/assets/{page}").status_code in {302, 403, 404}
    for page in ("site/import/", "site/export/"):
        assert people.client("bob").get(f"/admin/assets/{page}").status_code in {302, 403}


def test_a_file_is_shown_then_imported(people: People, client: Client, home: Site) -> None:
    bad = SimpleUploadedFile("sites.csv", (CSV + "South,Barn,99,11\n").encode())
    shown = client.post("/admin/assets/site/import/", {"organization": people.a.pk, "file": bad}).content.decode()
    assert "1 of 2 rows cannot be imported" in shown
    assert "portfolio is South; allowed: North" in shown
    assert "Import all rows" not in shown
    good = SimpleUploadedFile("sites.csv", CSV.replace("Home", "Hut").encode())
    shown = client.post("/admin/assets/site/import/", {"organization": people.a.pk, "file": good}).content.decode()
    assert "All 1 rows can be imported" in shown
    assert Site.objects.with_scopes_disabled().count() == 1  # type: ignore[attr-defined]
    text = re.search(r'name="text" value="([^"]*)"', shown)
    assert text is not None
    done = client.post("/admin/assets/site/import/", {"organization": people.a.pk, "text": text[1], "import": "1"})
    assert done.status_code == 302
    assert b"1 added, 0 changed, 0 as before" in client.get("/admin/assets/site/").content
    exported = client.get("/admin/assets/site/export/")
    assert exported["Content-Disposition"] == 'attachment; filename="site.csv"'
    assert exported.content.decode().count("North,") == 2


@pytest.mark.parametrize("data", [{}, {"text": "\0"}, {"text": "colour\nred"}])
def test_a_file_without_sense_is_an_error_on_the_page(people: People, client: Client, data: dict[str, str]) -> None:
    page = client.post("/admin/assets/battery/import/", {"organization": people.a.pk, **data})
    assert page.status_code == 200
    assert b"errorlist" in page.content


def test_selected_sites_are_edited_together(people: People, client: Client, home: Site) -> None:
    other = SiteFactory(organization=people.a, portfolio=home.portfolio)
    old = TariffFactory(organization=people.a, name="Old")
    SiteTariffFactory(site=home, tariff=old)
    tariff = TariffFactory(organization=people.a, name="New")
    chosen = {"action": "edit_selected", "_selected_action": [home.pk, other.pk]}
    page = client.post("/admin/assets/site/", chosen).content.decode()
    assert "Edit 2 sites" in page
    assert b"Nothing is to be changed" in client.post("/admin/assets/site/", {**chosen, "apply": "1"}).content
    values = {"import_limit_kw": 25, "no_export_limit": "on", "tariff": tariff.pk, "tariff_from": "2027-01-01"}
    assert client.post("/admin/assets/site/", {**chosen, "apply": "1", **values}).status_code == 302
    with organization_scope(people.a):
        assert set(Site.objects.values_list("import_limit_kw", flat=True)) == {25}
        assert SiteTariff.objects.get(site=home, tariff=old).valid_to == date(2026, 12, 31)
        assert SiteTariff.objects.filter(tariff=tariff, valid_from=date(2027, 1, 1)).count() == 2
    contradiction = {**chosen, "apply": "1", "import_limit_kw": 1, "no_import_limit": "on"}
    assert b"allowed: one of both" in client.post("/admin/assets/site/", contradiction).content


def test_a_site_is_copied(people: People, client: Client, home: Site) -> None:
    BatteryFactory(site=home, capacity_kwh=9)
    assert f"/admin/assets/site/{home.pk}/copy/" in client.get(f"/admin/assets/site/{home.pk}/change/").content.decode()
    address = f"/admin/assets/site/{home.pk}/copy/"
    assert b"Copy Home" in client.get(address).content
    wrong = client.post(address, {"name": "Second", "latitude": 99, "longitude": 11})
    assert b"between -90 and 90" in wrong.content
    assert client.post(address, {"name": "Second", "latitude": 48, "longitude": 11}).status_code == 302
    with organization_scope(people.a):
        assert Battery.objects.get(site__name="Second").capacity_kwh == 9


def test_the_history_shows_who_changed_what_and_cannot_be_written(people: People, client: Client, home: Site) -> None:
    form = {"portfolio": home.portfolio_id, "name": "Renamed", "slug": "home", "time_zone": "Europe/Berlin"}
    form |= {"latitude": 48.1, "longitude": 11.5, **INLINE}
    assert client.post(f"/admin/assets/site/{home.pk}/change/", form).status_code == 302
    page = client.get(f"/admin/assets/site/{home.pk}/history/").content.decode()
    assert "Renamed" in page
    assert "alice@example.com" in page
    version = re.search(rf"/admin/assets/site/{home.pk}/history/(\d+)/", page)
    assert version is not None
    assert client.get(version[0]).status_code == 200
    assert client.post(version[0], form).status_code == 403
    for odd in ("x", "0" * 40, "1" * 30):
        assert client.get(f"/admin/assets/site/{odd}/history/").status_code in {302, 404}
    assert "site.change" in actions(people)


def test_a_tariff_with_a_gap_is_refused_in_its_form(people: People, client: Client) -> None:
    form: dict[str, Any] = {"organization": people.a.pk, "name": "Night", "commodity": "import", "currency": "EUR"}
    form |= {"valid_from": "2026-01-01", "form": "time_of_use", "capacity_price_per_kw": 0, "vat_percent": 19}
    form |= dict.fromkeys(("energy_price_per_kwh", "grid_fee_per_kwh", "taxes_per_kwh", "levies_per_kwh"), 0)
    assert b"no price on Monday at 00:00" in client.post("/admin/assets/tariff/add/", {**form, **PERIODS}).content
    period = {"part": "energy", "weekdays": "0123456", "start": "00:00", "end": "00:00", "price_per_kwh": "0.3"}
    whole = {"periods-TOTAL_FORMS": 1, "periods-INITIAL_FORMS": 0}
    whole |= {f"periods-0-{name}": value for name, value in period.items()}
    assert client.post("/admin/assets/tariff/add/", {**form, **whole}).status_code == 302
    with organization_scope(people.a):
        assert Tariff.objects.get().periods.get().price_per_kwh == Decimal("0.3")


def test_received_prices_are_to_be_read(people: People, client: Client) -> None:
    values = PriceValuesFactory(series=PriceSeriesFactory(organization=people.a))
    assert client.get("/admin/assets/pricevalues/").status_code == 200
    assert client.get(f"/admin/assets/pricevalues/{values.pk}/change/").status_code == 200
    assert client.get("/admin/assets/pricevalues/add/").status_code == 403
    assert client.post(f"/admin/assets/pricevalues/{values.pk}/delete/", {"post": "yes"}).status_code == 403
