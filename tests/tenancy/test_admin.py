"""Every page of the admin site, as a stranger, members, an outsider and platform staff."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django_scopes import scopes_disabled

from assets.models import Battery, ElectricVehicle
from flexplatform.accounts.admin_access import TenantAdmin
from flexplatform.accounts.models import AuditEvent, Membership, Organization, User
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import BatteryFactory
from tests.tenancy.addresses import ADMIN, ADMIN_ROUTES
from tests.tenancy.conftest import World

pytestmark = pytest.mark.one_database

MODELS = {model._meta.label_lower: (model, options) for model, options in admin.site._registry.items()}
PLATFORM_MODELS = {User._meta.label_lower, Organization._meta.label_lower}
TENANT_MODELS = sorted(set(MODELS) - PLATFORM_MODELS)
LISTS = {name: f"/admin/{name.replace('.', '/')}/" for name in MODELS}
MODEL_PAGES = ("changelist", "add", "change", "delete", "history")


def own_pages() -> Iterator[str]:
    for model, options in admin.site._registry.items():
        for pattern in options.get_urls():
            if pattern.name:
                yield str(pattern.name)
        assert options.model is model


def rows(world: World, name: str) -> list[models.Model]:
    """Return the rows of a model that belong to the world's organization."""
    model, options = MODELS[name]
    assert isinstance(options, TenantAdmin)
    with scopes_disabled():
        return list(model._default_manager.filter(**{options.organization_path: world.organization}))


def enter(client: Client, organization: str) -> None:
    assert client.post("/admin/organization/", {"organization": organization}).status_code == 302


def test_every_page_is_known() -> None:
    models_pages = {f"{name.replace('.', '_')}_{page}" for name in MODELS for page in MODEL_PAGES}
    models_pages |= {"auth_user_password_change"}
    custom = set(ADMIN_ROUTES) - ADMIN - models_pages - {""}
    assert custom <= set(own_pages()), "pages of the site itself need a line in tests/tenancy/addresses.py"


def test_a_model_belongs_to_the_platform_or_is_fenced() -> None:
    for name in TENANT_MODELS:
        assert isinstance(MODELS[name][1], TenantAdmin), f"{name} needs flexplatform.accounts.admin_access.TenantAdmin"


@pytest.mark.parametrize("name", sorted(MODELS))
def test_nobody_without_configuring_role_enters(people: People, name: str) -> None:
    for client in (Client(), people.client("bob"), people.client("dave")):
        for page in ("", "add/", "1/change/", "1/delete/", "1/history/"):
            response = client.get(f"{LISTS[name]}{page}")
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")
    assert people.client("bob").get("/admin/login/").status_code == 403
    assert Client().get("/admin/login/")["Location"] == "/login/?next=/admin/"


@pytest.mark.parametrize("name", sorted(PLATFORM_MODELS))
def test_platform_rows_are_for_staff(people: People, name: str) -> None:
    for page in ("", "add/", f"{people.a.pk}/change/"):
        assert people.client("alice").get(f"{LISTS[name]}{page}").status_code == 403


@pytest.mark.parametrize("name", TENANT_MODELS)
def test_an_owner_sees_the_own_rows_only(people: People, world: World, foreign: World, name: str) -> None:
    client = people.client("alice")
    listed = client.get(LISTS[name])
    assert listed.status_code == 200
    for text in (b"Home of B", b"charlie@example.com", b"robot of B", b"new@b.example"):
        assert text not in listed.content
    assert client.get(f"{LISTS[name]}add/").status_code in (200, 403)
    for row in rows(world, name):
        assert client.get(f"{LISTS[name]}{row.pk}/change/").status_code == 200
    for row in rows(foreign, name):
        for page in ("change", "delete", "history"):
            answer = client.get(f"{LISTS[name]}{row.pk}/{page}/")
            assert (answer.status_code, answer.get("Location", "")) in {(302, "/admin/"), (403, "")}
        posted = client.post(LISTS[name], {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        assert posted.status_code in (200, 302, 403)
        with scopes_disabled():
            assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_an_asset_manager_configures_but_sees_neither_members_nor_tokens(people: People) -> None:
    Membership.objects.filter(user=people.bob).update(role=Role.ASSET_MANAGER)
    client = people.client("bob")
    assert client.get("/admin/").status_code == 200
    assert client.get(LISTS["assets.site"]).status_code == 200
    assert client.get(LISTS["accounts.auditevent"]).status_code == 200
    for name in ("accounts.membership", "accounts.apitoken"):
        assert client.get(LISTS[name]).status_code == 403


def test_foreign_rows_are_no_choice_of_a_form(people: People, world: World, foreign: World) -> None:
    client = people.client("alice")
    assert b"Home of" not in client.get("/admin/assets/battery/add/").content
    query = {"app_label": "assets", "model_name": "battery", "field_name": "site", "term": "Home"}
    offered = client.get("/admin/autocomplete/", query).json()["results"]
    assert [choice["text"] for choice in offered] == ["Home of A"]
    form = {"site": foreign.site.pk, "name": "stolen", "capacity_kwh": 5}
    refused = client.post("/admin/assets/battery/add/", form)
    assert b"Select a valid choice" in refused.content
    portfolio = {"organization": people.b.pk, "name": "stolen"}
    assert b"Select a valid choice" in client.post("/admin/assets/portfolio/add/", portfolio).content
    for field in ("organization", "organization__id__exact", "site__organization__id__exact"):
        assert b"Home of B" not in client.get("/admin/assets/site/", {field: people.b.pk}).content


def test_autocomplete_reaches_nothing_foreign(people: People, world: World, foreign: World) -> None:
    query = {"app_label": "assets", "model_name": "battery", "field_name": "site", "term": "Home"}
    answer = people.client("alice").get("/admin/autocomplete/", query)
    assert answer.status_code == 200
    assert [row["text"] for row in answer.json()["results"]] == ["Home of A"]


def test_staff_act_inside_one_organization_which_is_audited(people: People, world: World, foreign: World) -> None:
    people.dave.is_superuser = True
    people.dave.save()
    client = people.client("dave")
    assert b"No organization is chosen" in client.get("/admin/").content
    assert client.get(LISTS["assets.site"]).status_code == 403
    for asked in ("", "nowhere", "\0"):
        assert client.post("/admin/organization/", {"organization": asked}).status_code == 200
    enter(client, "a")
    content = client.get(LISTS["assets.site"]).content
    assert b"Home of A" in content
    assert b"Home of B" not in content
    enter(client, "b")
    content = client.get(LISTS["assets.site"]).content
    assert b"Home of B" in content
    assert b"Home of A" not in content
    for organization in (people.a, people.b):
        with organization_scope(organization):
            assert AuditEvent.objects.get(action="admin.enter").user == people.dave


def test_a_member_cannot_enter_another_organization(people: People) -> None:
    assert people.client("alice").post("/admin/organization/", {"organization": "b"}).status_code == 403


@pytest.mark.parametrize("name", sorted(MODELS))
def test_staff_pages_of_every_model_answer(people: People, world: World, name: str) -> None:
    people.alice.is_superuser = True
    people.alice.save()
    client = people.client("alice")
    assert client.get(LISTS[name]).status_code == 200
    assert client.get(f"{LISTS[name]}?q=x").status_code == 200
    assert client.get(f"{LISTS[name]}add/").status_code in (200, 403)


def test_a_change_in_the_admin_is_audited(people: People, world: World) -> None:
    client = people.client("alice")
    battery = BatteryFactory(site=world.site, name="second")
    url = f"/admin/assets/battery/{battery.pk}/"
    page = client.get(f"{url}change/").context["adminform"].form
    form = {name: value for name in page.fields if (value := page[name].value()) is not None}
    assert client.post(f"{url}change/", {**form, "capacity_kwh": 9}).status_code == 302
    assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 302
    with organization_scope(people.a):
        assert not Battery.objects.filter(pk=battery.pk).exists()
        changed = AuditEvent.objects.get(action="battery.change")
        assert (changed.before, changed.after) == ({"capacity_kwh": 5.0}, {"capacity_kwh": 9.0})
        assert (changed.user, changed.door) == (people.alice, "admin")
        assert AuditEvent.objects.filter(action="battery.delete").exists()


def test_the_admin_stores_a_vehicle_with_its_stays(people: People, world: World) -> None:
    form = {"site": world.site.pk, "name": "car", "capacity_kwh": 40, "charge_power_kw": 11}
    form |= {"discharge_power_kw": 0, "charge_efficiency": 0.95, "discharge_efficiency": 0.95}
    form |= {"min_charge_power_kw": 0, "min_soc_percent": 0, "max_soc_percent": 100, "wear_cost_eur_per_kwh": 0}
    stay = {"arrival": "18:00", "departure": "07:00", "arrival_soc_percent": 40}
    form |= {f"stays-0-{name}": value for name, value in stay.items()}
    form |= {"stays-TOTAL_FORMS": 1, "stays-INITIAL_FORMS": 0}
    client = people.client("alice")
    refused = client.post("/admin/assets/electricvehicle/add/", {**form, "charge_efficiency": 2})
    assert b"charge_efficiency must be between 0 and 1" in refused.content
    assert client.post("/admin/assets/electricvehicle/add/", form).status_code == 302
    again = client.post("/admin/assets/electricvehicle/add/", form)
    assert b"Constraint" in again.content or b"already exists" in again.content
    with organization_scope(people.a):
        assert ElectricVehicle.objects.get(name="car").stays.count() == 1
        actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"electricvehicle.create", "evstay.create"} <= actions
