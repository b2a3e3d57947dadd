"""Every address of an organization, as an outsider, a member, and a member of too small a role."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from assets.models import ElectricVehicle
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from optimization.models import ScheduleRun
from tests.conftest import People
from tests.factories import planned_site

MORE_THAN_A_VIEWER = {"offer_export", "plan_site", "job_cancel"}
POST_ONLY = {"plan_site", "job_cancel"}
ARGUMENTS = {"site": "home", "market": "comax"}
PLAN = {"day": "2026-11-22", "key": "k"}


def tenant_routes() -> Iterator[tuple[str, str]]:
    """Yield name and route of every address below /o/<organization>/."""
    for pattern in get_resolver().url_patterns:
        route = str(pattern.pattern)
        if not route.startswith("o/"):
            continue
        inner = pattern.url_patterns if isinstance(pattern, URLResolver) else [pattern]
        for part in inner:
            assert isinstance(part, URLPattern)
            whole = route if part is pattern else f"{route}{part.pattern}"
            yield str(part.name), "/" + whole


ROUTES = dict(tenant_routes())


def address(route: str, organization: str, run: ScheduleRun) -> str:
    filled = route.replace("<slug:organization>", organization).replace("<int:run>", str(run.pk))
    filled = filled.replace("<int:job>", str(run.job_id))
    for name, value in ARGUMENTS.items():
        filled = filled.replace(f"<slug:{name}>", value)
    assert "<" not in filled, f"{route} takes an argument that this test does not know"
    return filled


def status(client: Client, name: str, url: str) -> int:
    return (client.post(url, PLAN) if name in POST_ONLY else client.get(url)).status_code


@pytest.fixture
def runs(people: People) -> dict[str, ScheduleRun]:
    found = {
        "a": planned_site(people.a, slug="home", name="Home of A")[1],
        "b": planned_site(people.b, slug="home", name="Home of B")[1],
    }
    for run in found.values():
        with organization_scope(run.organization):
            run.job = Job.objects.create(organization=run.organization, kind="schedule_site", title=f"Plan {run.site}")
            run.save()
    return found


def test_the_known_routes_are_all() -> None:
    assert set(ROUTES) == {
        "overview",
        "site_map",
        "site",
        "schedule_charts",
        "schedule_csv",
        "offer_charts",
        "offer_export",
        "plan_site",
        "jobs",
        "job",
        "job_cancel",
    }


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_an_address_exists_for_members_only(people: People, runs: dict[str, ScheduleRun], name: str) -> None:
    url = address(ROUTES[name], "a", runs["a"])
    assert status(Client(), name, url) == 302
    assert status(people.client("bob"), name, url) == (403 if name in MORE_THAN_A_VIEWER else 200)
    assert status(people.client("charlie"), name, url) == 404
    assert status(people.client("dave"), name, url) == 404
    nowhere = address(ROUTES[name], "no-such-organization", runs["a"])
    assert status(people.client("alice"), name, nowhere) == 404
    assert status(people.client("alice"), name, url) == (302 if name in POST_ONLY else 200)


@pytest.mark.parametrize("name", sorted(name for name, route in ROUTES.items() if "<int:" in route))
def test_a_foreign_run_or_job_does_not_exist_under_the_own_address(
    people: People, runs: dict[str, ScheduleRun], name: str
) -> None:
    assert status(people.client("alice"), name, address(ROUTES[name], "a", runs["b"])) == 404


def test_pages_show_nothing_of_others(people: People, runs: dict[str, ScheduleRun]) -> None:
    client = people.client("alice")
    for name in ("overview", "site_map", "site", "jobs"):
        content = client.get(address(ROUTES[name], "a", runs["a"])).content
        assert b"Home of A" in content
        assert b"Home of B" not in content


def test_the_admin_stores_a_vehicle_with_its_stays(people: People, runs: dict[str, ScheduleRun]) -> None:
    people.alice.is_superuser = people.alice.is_staff = True
    people.alice.save()
    form = {"site": runs["a"].site_id, "name": "car", "capacity_kwh": 40, "charge_power_kw": 11}
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


def test_the_admin_is_for_superusers(people: People, runs: dict[str, ScheduleRun]) -> None:
    assert people.client("alice").get("/admin/assets/site/").status_code == 302
    people.alice.is_superuser = people.alice.is_staff = True
    people.alice.save()
    client = people.client("alice")
    for path in ("assets/site/", "assets/battery/", "assets/battery/add/", "assets/electricvehicle/add/"):
        assert client.get(f"/admin/{path}").status_code == 200
    for path in ("optimization/schedulerun/", "flexmarket/flexibilityoffers/", "accounts/user/"):
        assert client.get(f"/admin/{path}").status_code == 200
    for path in (f"assets/site/{runs['a'].site_id}/change/", f"optimization/schedulerun/{runs['b'].pk}/change/"):
        assert client.get(f"/admin/{path}").status_code == 200
