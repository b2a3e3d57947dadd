"""Mappings in the admin: previewed as they stand, made from presets, of the own organization only."""

import pytest
from django.utils import timezone

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door, Organization
from flexplatform.accounts.scoping import organization_scope
from telemetry.models import DeviceCredential, Mapping, RecentMessage
from telemetry.services import create_credential
from tests.conftest import People
from tests.factories import SiteFactory

PREVIEW, PRESET = "/admin/telemetry/mapping/preview/", "/admin/telemetry/mapping/preset/"
RULE = {"rules-0-quantity": "grid_power_kw", "rules-0-unit": "W", "rules-0-sign": "consumption"}


def sender(organization: Organization) -> DeviceCredential:
    """Return a credential with a message that came of it."""
    with organization_scope(organization), acting("tests", Door.COMMAND):
        site = SiteFactory(organization=organization, slug="home", name=f"Home of {organization.name}")
        credential, _ = create_credential(site=site, name="gateway")
        RecentMessage.objects.create(
            organization=organization,
            credential=credential,
            topic="meter",
            payload=b"1500",
            size=4,
            received_at=timezone.now(),
        )
    return credential


@pytest.fixture
def senders(people: People) -> tuple[DeviceCredential, DeviceCredential]:
    return sender(people.a), sender(people.b)


def test_the_preview_follows_the_form(people: People, senders: tuple[DeviceCredential, DeviceCredential]) -> None:
    client = people.client("alice")
    page = client.post(PREVIEW, {"topic": "meter", **RULE}).content.decode()
    assert "site.grid_power_kw" in page
    assert "= 1.5000 kW" in page
    assert "Another topic" in client.post(PREVIEW, {"topic": "other", **RULE}).content.decode()
    assert "topic is" in client.post(PREVIEW, {"topic": "", **RULE}).content.decode()
    assert "Home of B" not in page
    deleted = client.post(PREVIEW, {"topic": "meter", **RULE, "rules-0-DELETE": "on"}).content.decode()
    assert "kW" not in deleted


def test_the_preview_of_another_organization_does_not_exist(
    people: People, senders: tuple[DeviceCredential, DeviceCredential]
) -> None:
    client = people.client("alice")
    page = client.post(PREVIEW, {"organization": people.b.pk, "topic": "meter", **RULE}).content.decode()
    assert "Choose an organization." in page
    for credential in (senders[1].pk, "9" * 40, "x"):
        asked = {"organization": people.a.pk, "credential": credential, "topic": "meter", **RULE}
        assert "Home of B" not in client.post(PREVIEW, asked).content.decode()
    assert client.get(PREVIEW).status_code == 403


def test_a_preset_is_applied_to_an_own_credential(
    people: People, senders: tuple[DeviceCredential, DeviceCredential]
) -> None:
    client = people.client("alice")
    refused = client.post(PRESET, {"credential": senders[1].pk, "preset": "evcc"})
    assert b"Select a valid choice" in refused.content
    done = client.post(PRESET, {"credential": senders[0].pk, "preset": "evcc"}, follow=True)
    assert "topic: ext/a.gateway/evcc" in done.content.decode()
    with organization_scope(people.a):
        assert Mapping.objects.count() == 8
        assert AuditEvent.objects.filter(action="mapping.create", door="admin").count() == 8
    with organization_scope(people.b):
        assert not Mapping.objects.exists()


def test_nobody_without_configuring_role_enters(
    people: People, senders: tuple[DeviceCredential, DeviceCredential]
) -> None:
    for address in (PREVIEW, PRESET):
        assert people.client("bob").post(address, RULE).status_code == 302


def test_a_mapping_with_its_rules_is_stored_and_audited(
    people: People, senders: tuple[DeviceCredential, DeviceCredential]
) -> None:
    form = {"organization": people.a.pk, "name": "meter", "topic": "meter", "is_active": "on", **RULE}
    form |= {"rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 0}
    client = people.client("alice")
    wrong = client.post("/admin/telemetry/mapping/add/", {**form, "rules-0-unit": "kWh"})
    assert b"allowed for grid_power_kw: kW, W, MW" in wrong.content
    foreign = client.post("/admin/telemetry/mapping/add/", {**form, "credential": senders[1].pk})
    assert b"Select a valid choice" in foreign.content
    assert client.post("/admin/telemetry/mapping/add/", form).status_code == 302
    with organization_scope(people.a):
        assert Mapping.objects.get().rules.count() == 1
        actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"mapping.create", "mappingrule.create"} <= actions
