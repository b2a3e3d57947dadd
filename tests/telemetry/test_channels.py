from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from assets.models import KINDS, Asset, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from optimization.inputs import WAYS
from telemetry.models import Channel
from telemetry.quantities import QUANTITIES, quantities_of
from telemetry.services import Reference, create_channel, delete_channel, ensure_channels, update_channel
from tests.conftest import People
from tests.factories import PhotovoltaicFactory, SiteFactory

ENSURE_QUERIES = 7


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a, slug="home")
    PhotovoltaicFactory(site=row)
    return row


def test_every_quantity_says_what_it_is() -> None:
    for name, quantity in QUANTITIES.items():
        assert name == quantity.name
        assert quantity.units[quantity.unit] == 1
        assert quantity.of_site or quantity.kinds
        assert quantity.kinds <= set(KINDS)
        assert quantity.lowest < quantity.highest


def test_every_device_can_be_measured() -> None:
    assert [kind for kind in KINDS if not quantities_of(kind)] == []


def test_what_plans_are_made_of_can_be_forecast() -> None:
    ways = [way for found in WAYS.values() for way in found]
    assert {way.quantity for way in ways} <= set(QUANTITIES)
    assert all(QUANTITIES[way.quantity].fits(None) for way in ways if way.of_site)


@pytest.mark.parametrize(
    ("name", "factor", "words"),
    [
        ("power_kw", 1, "a finite number"),
        ("available_power_kw", 1, "at most 0, as production is below zero"),
        ("available_power_kw", -0.001, "at least 0"),
        ("yield_kw_per_kw", 0.01, "0 to 150"),
    ],
)
def test_ranges_are_said_in_the_senders_words(name: str, factor: float, words: str) -> None:
    assert QUANTITIES[name].allowed(factor) == words


@pytest.mark.usefixtures("in_a")
def test_a_channel_is_made_once_and_audited(site: Site) -> None:
    plant = Asset.objects.get(site=site)
    channel = create_channel(site=site, asset=plant, quantity="power_kw", resolution_seconds=60)
    assert (channel.unit, channel.sign, channel.label) == ("kW", "consumption", "pv.power_kw")
    assert str(channel) == f"{site} pv.power_kw"
    with pytest.raises(ValidationError) as caught:
        create_channel(site=site, asset=plant, quantity="power_kw")
    assert "quantity" in caught.value.message_dict
    changed = update_channel(channel=channel, stale_after_seconds=600)
    assert changed.stale_after_seconds == 600
    delete_channel(channel=channel)
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["channel.create", "channel.change", "channel.delete"]
    assert not Channel.objects.exists()


@pytest.mark.usefixtures("in_a")
def test_a_site_has_one_channel_of_a_quantity_too(site: Site) -> None:
    channel = create_channel(site=site, quantity="grid_power_kw")
    assert channel.label == "site.grid_power_kw"
    with pytest.raises(IntegrityError), transaction.atomic():
        Channel.objects.create(
            organization=site.organization, site=site, quantity="grid_power_kw", unit="kW", sign="consumption"
        )


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("quantity", {"quantity": "noise_db"}),
        ("quantity", {"quantity": "soc_percent"}),
        ("resolution_seconds", {"resolution_seconds": 0}),
        ("stale_after_seconds", {"stale_after_seconds": 0}),
        ("last_value", {"last_value": 3}),
    ],
)
def test_what_a_channel_cannot_be_is_refused_by_field(site: Site, field: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        create_channel(**{"site": site, "asset": Asset.objects.get(site=site), "quantity": "power_kw", **values})
    assert list(caught.value.message_dict) == [field]


@pytest.mark.usefixtures("in_a")
def test_a_channel_stays_within_its_site_and_its_organization(people: People, site: Site) -> None:
    second = SiteFactory(organization=people.a)
    with pytest.raises(ValidationError, match="does not stand at"):
        create_channel(site=second, asset=Asset.objects.get(site=site), quantity="power_kw")
    with organization_scope(people.b):
        theirs = PhotovoltaicFactory(site=SiteFactory(organization=people.b))
    with pytest.raises(ValidationError, match="belongs to another organization"):
        create_channel(site=site, asset=theirs, quantity="power_kw")


@pytest.mark.usefixtures("in_a")
def test_what_is_there_is_found_and_the_rest_is_made(people: People, site: Site) -> None:
    known = create_channel(site=site, asset=Asset.objects.get(site=site), quantity="power_kw")
    wanted = [
        Reference(site="home", asset="pv", quantity="power_kw"),
        Reference(channel=known.pk),
        Reference(site="home", quantity="grid_power_kw"),
        Reference(site=site.pk, quantity="grid_power_kw"),
    ]
    found = ensure_channels(organization=people.a, references=wanted)
    assert found[0] == found[1] == known
    assert found[2] == found[3]
    assert Channel.objects.count() == 2
    assert AuditEvent.objects.filter(action="channel.create").count() == 2


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize("count", [1, 3])
def test_many_channels_need_no_more_statements(people: People, count: int, django_assert_num_queries: Any) -> None:
    sites = [SiteFactory(organization=people.a, slug=f"house-{number}") for number in range(count)]
    for each in sites:
        PhotovoltaicFactory(site=each)
    wanted = [Reference(site=each.slug, asset="pv", quantity="power_kw") for each in sites]
    with django_assert_num_queries(ENSURE_QUERIES):
        ensure_channels(organization=people.a, references=wanted)
    assert Channel.objects.count() == count


@pytest.mark.usefixtures("in_a")
def test_a_device_takes_its_channels_with_it(people: People, site: Site) -> None:
    ensure_channels(organization=people.a, references=[Reference(site="home", asset="pv", quantity="power_kw")])
    Asset.objects.get(site=site).delete()
    assert not Channel.objects.exists()


def test_kinds_have_what_they_can_have() -> None:
    registers = ["import_register_kwh", "export_register_kwh"]
    assert [quantity.name for quantity in quantities_of("battery")] == ["power_kw", *registers, "soc_percent"]
    assert "grid_power_kw" in {quantity.name for quantity in quantities_of(None)}
