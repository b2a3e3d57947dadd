"""Names that are code, and addresses that are nonsense, on every page of an organization."""

import pytest

from assets.models import Asset, Portfolio, Site
from flexplatform.accounts.models import Organization
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.tenancy.addresses import TENANT, TENANT_ROUTES
from tests.tenancy.conftest import World

CODE = '<script>alert(1)</script>{{ 7|add:"42" }}{% now "Y" %}%(x)s'
RAW, SHOWN = "<script>alert(1)", "&lt;script&gt;alert(1)"
PAGES = sorted(name for name, rule in TENANT.items() if rule.method == "get")
# What pages ask of an address, and what nobody who clicks would send.
ASKED = ("page", "method", "day", "until", "step", "state", "outcome", "order", "job", "from", "days", "by", "market")
NONSENSE = ("\x00", "9" * 40, "-1", "' OR 1=1 --", "2026-13-45", "\u202e")


@pytest.fixture
def world(people: People) -> World:
    return World(people.a, people.alice)


def test_names_are_shown_and_never_run(people: People, world: World) -> None:
    with organization_scope(people.a):
        for model in (Site, Asset, Portfolio):
            for row in model.objects.all():
                model.objects.filter(pk=row.pk).update(name=f"{CODE}{row.pk}")
    Organization.objects.filter(pk=people.a.pk).update(name=CODE)
    client, shown = people.client("alice"), 0
    for name in PAGES:
        answer = client.get(world.address(TENANT_ROUTES[name], "a"))
        if answer.get("Content-Type", "").startswith("text/html"):
            text = answer.content.decode()
            assert RAW not in text, name
            shown += SHOWN in text
    assert shown > 20


def test_nonsense_in_addresses_is_no_error_of_ours(people: People, world: World) -> None:
    client = people.client("alice")
    client.raise_request_exception = False
    failed = {
        (name, value)
        for name in PAGES
        for value in NONSENSE
        if client.get(world.address(TENANT_ROUTES[name], "a"), dict.fromkeys(ASKED, value)).status_code >= 500
    }
    assert failed == set()
