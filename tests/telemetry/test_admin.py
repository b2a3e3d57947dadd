from typing import Any

import pytest

from assets.models import Asset
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from telemetry.models import Channel
from tests.conftest import People
from tests.factories import PhotovoltaicFactory, SiteFactory

ADD = "/admin/telemetry/channel/add/"


def asked(plant: Asset, **changes: Any) -> dict[str, Any]:
    given = {"organization": plant.site.organization_id, "site": plant.site_id, "asset": plant.pk}
    return {**given, "quantity": "power_kw", "resolution_seconds": 60, "stale_after_seconds": "", **changes}


def test_an_asset_manager_adds_a_channel(people: People) -> None:
    plant = PhotovoltaicFactory(site=SiteFactory(organization=people.a))
    assert people.client("alice").post(ADD, asked(plant)).status_code == 302
    with organization_scope(people.a):
        channel = Channel.objects.get()
        assert (channel.label, channel.unit, channel.sign) == ("pv.power_kw", "kW", "consumption")
        assert AuditEvent.objects.filter(action="channel.create", object_id=channel.pk).exists()


@pytest.mark.parametrize("changes", [{"quantity": "soc_percent"}, {"quantity": "x"}, {"resolution_seconds": 0}])
def test_what_a_channel_cannot_be_is_said_in_the_form(people: People, changes: dict[str, Any]) -> None:
    plant = PhotovoltaicFactory(site=SiteFactory(organization=people.a))
    page = people.client("alice").post(ADD, asked(plant, **changes))
    assert page.status_code == 200
    assert list(page.context["adminform"].form.errors) == list(changes)


def test_a_device_of_another_site_or_organization_is_refused(people: People) -> None:
    plant = PhotovoltaicFactory(site=SiteFactory(organization=people.a))
    theirs = PhotovoltaicFactory(site=SiteFactory(organization=people.b))
    second = SiteFactory(organization=people.a)
    client = people.client("alice")
    for wrong in (asked(plant, asset=theirs.pk), asked(plant, site=second.pk), asked(theirs)):
        page = client.post(ADD, wrong)
        assert page.status_code == 200
        assert page.context["adminform"].form.errors
    with organization_scope(people.a):
        assert not Channel.objects.exists()
