from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from assets.models import Asset, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import AuditEvent, Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.models import LEVELS, ForecastRun, ForecastValues
from forecasting.services import receive_forecast, receive_forecasts
from telemetry.models import Channel
from telemetry.services import Reference
from tests.conftest import People
from tests.forecasting.makers import HOUR, ISSUED, QUARTER, START, delivery, house

RECEIVE_QUERIES = 14


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def site(people: People) -> Site:
    return house(people.a, slug="home", external_id="DE-1")


pytestmark = pytest.mark.usefixtures("in_a")


def errors(organization: Any, *deliveries: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        receive_forecasts(organization=organization, deliveries=deliveries)
    assert (ForecastRun.objects.count(), Channel.objects.count()) == (0, 0)
    return dict(caught.value.message_dict)


def test_a_forecast_is_stored_whole_with_its_channel(people: People, site: Site) -> None:
    band = {"0.1": [0.5] * 4, 0.9: [2] * 4}
    given = delivery(site, quantiles=band, model="blend", version="3", scores={"pinball": 0.1})
    run = receive_forecast(organization=people.a, delivery=given)
    stored = ForecastRun.objects.select_related("series", "channel").get()
    assert stored == run
    assert (stored.grid.start, stored.grid.step, stored.grid.end) == (START, QUARTER, START + HOUR)
    assert (stored.known_until, stored.source, stored.model) == (ISSUED, "meteo", "blend")
    assert stored.scores == {"pinball": 0.1}
    assert stored.channel.label == "load.demand_kw"
    assert (stored.channel.unit, stored.channel.sign) == ("kW", "consumption")
    np.testing.assert_array_equal(stored.series.mean, np.ones(4))
    assert {level: row.tolist() for level, row in stored.series.by_level.items()} == {0.1: [0.5] * 4, 0.9: [2] * 4}
    event = AuditEvent.objects.get(action="forecastrun.receive")
    assert event.after == {"forecasts": [run.pk], "channels": [stored.channel_id], "sources": ["meteo"]}


def test_units_and_signs_of_senders_become_those_of_the_house(people: People, site: Site) -> None:
    given = delivery(
        site, "pv", "available_power_kw", values=[0, 1000, 2000, 0], unit="W", sign="production",
        quantiles={0.1: [0, 500, 1500, 0], 0.9: [0, 1500, 2500, 0]},
    )  # fmt: skip
    receive_forecast(organization=people.a, delivery=given)
    stored = ForecastValues.objects.get()
    np.testing.assert_array_equal(stored.mean, [0, -1, -2, 0])
    np.testing.assert_array_equal(stored.by_level[0.1], [0, -1.5, -2.5, 0])
    np.testing.assert_array_equal(stored.by_level[0.9], [0, -0.5, -1.5, 0])


def test_the_same_delivery_twice_is_stored_once(people: People, site: Site) -> None:
    both = [delivery(site), delivery(site, "pv", "yield_kw_per_kw", quantiles={0.5: [0.5] * 4})]
    first = receive_forecasts(organization=people.a, deliveries=both)
    again = receive_forecasts(organization=people.a, deliveries=both)
    assert [run.pk for run in first] == [run.pk for run in again]
    assert (ForecastRun.objects.count(), ForecastValues.objects.count(), Channel.objects.count()) == (2, 2, 2)
    assert AuditEvent.objects.filter(action="forecastrun.receive").count() == 1


@pytest.mark.parametrize(
    "changes", [{"values": np.full(4, 2.0)}, {"quantiles": {0.5: [1] * 4}}, {"step": HOUR, "values": [1]}]
)
def test_other_values_of_the_same_issue_are_refused(people: People, site: Site, changes: dict[str, Any]) -> None:
    receive_forecast(organization=people.a, delivery=delivery(site))
    with pytest.raises(ValidationError) as caught:
        receive_forecast(organization=people.a, delivery=delivery(site, **changes))
    assert "stored with other values" in caught.value.message_dict["issued_at"][0]
    np.testing.assert_array_equal(ForecastValues.objects.get().mean, np.ones(4))


def test_one_wrong_delivery_keeps_all_out_and_each_wrong_one_is_named(people: People, site: Site) -> None:
    wrong = errors(
        people.a,
        delivery(site),
        delivery(site, "pv", "available_power_kw", values=[0, 0, 2.5, 0]),
        delivery(site, "pv", "yield_kw_per_kw", step=timedelta(minutes=7), unit="kW"),
    )
    assert wrong == {
        "forecasts[1].values": ["values[2] is 2.5; allowed: at most 0, as production is below zero."],
        "forecasts[2].step": ["step is 420 s; allowed: whole seconds that divide the hour."],
        "forecasts[2].unit": ["unit is 'kW'; allowed: kW/kW, %."],
    }


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("values", {"values": []}),
        ("values", {"values": [1, float("nan"), 1, 1]}),
        ("values", {"values": [1, float("inf"), 1, 1]}),
        ("values", {"values": [1, -1, 1, 1]}),
        ("values", {"values": ["x"]}),
        ("values", {"values": [[1, 2], [3, 4]]}),
        ("values", {"values": np.ones(12_001)}),
        ("quantiles.0.15", {"quantiles": {"0.15": [1] * 4}}),
        ("quantiles.median", {"quantiles": {"median": [1] * 4}}),
        ("quantiles.0.5", {"quantiles": {"0.5": [1] * 3}}),
        ("quantiles.0.5", {"quantiles": {"0.5": [1, 1, -1, 1]}}),
        ("quantiles", {"quantiles": {"0.2": [1, 3, 1, 1], "0.6": [2, 2, 2, 2]}}),
        ("start", {"start": START + timedelta(minutes=5)}),
        ("start", {"start": START.replace(tzinfo=None)}),
        ("start", {"start": datetime(1999, 1, 1, tzinfo=UTC)}),
        ("issued_at", {"issued_at": datetime(2099, 1, 1, tzinfo=UTC)}),
        ("issued_at", {"issued_at": ISSUED.replace(tzinfo=None)}),
        ("known_until", {"known_until": ISSUED + QUARTER}),
        ("step", {"step": timedelta(0)}),
        ("step", {"step": timedelta(hours=2)}),
        ("sign", {"sign": "up"}),
        ("source", {"source": ""}),
        ("source", {"source": "x" * 101}),
        ("model", {"model": "a\0b"}),
    ],
)
def test_what_a_forecast_cannot_be_is_refused_by_field(
    people: People, site: Site, field: str, changes: dict[str, Any]
) -> None:
    assert list(errors(people.a, delivery(site, **changes))) == [f"forecasts[0].{field}"]


def test_what_has_no_direction_knows_no_production(people: People, site: Site) -> None:
    wrong = errors(people.a, delivery(site, None, "ambient_temperature_c", sign="production"))
    assert "no direction" in wrong["forecasts[0].sign"][0]


def test_a_single_delivery_names_its_own_fields(people: People, site: Site) -> None:
    with pytest.raises(ValidationError) as caught:
        receive_forecast(organization=people.a, delivery=delivery(site, values=[-1]))
    assert caught.value.message_dict == {"values": ["values[0] is -1; allowed: at least 0."]}


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_its_limits(people: People, site: Site, count: int) -> None:
    assert list(errors(people.a, *[delivery(site)] * count)) == ["forecasts"]


def test_the_same_twice_in_a_batch_is_refused(people: People, site: Site) -> None:
    wrong = errors(people.a, delivery(site), delivery(site))
    assert wrong == {"forecasts[1].issued_at": ["is of the same channel, start and issue as forecasts[0]."]}


def test_sites_and_devices_are_found_by_all_their_names(people: People, site: Site) -> None:
    load = Asset.objects.get(site=site, name="load").pk
    references = [
        Reference(asset=load, quantity="demand_kw"),
        Reference(site=site.pk, asset="load", quantity="demand_kw"),
        Reference(site="home", asset="load", quantity="demand_kw"),
        Reference(site="DE-1", asset=load, quantity="demand_kw"),
    ]
    for index, reference in enumerate(references):
        issued_at = ISSUED + index * QUARTER
        receive_forecast(organization=people.a, delivery=delivery(site, channel=reference, issued_at=issued_at))
    channel = Channel.objects.get()
    receive_forecast(
        organization=people.a, delivery=delivery(site, channel=Reference(channel=channel.pk), issued_at=ISSUED - HOUR)
    )
    assert ForecastRun.objects.filter(channel=channel).count() == 5


def test_rows_of_others_do_not_exist(people: People, site: Site) -> None:
    with organization_scope(people.b):
        other = house(people.b, slug="theirs", external_id="B-1")
        load = Asset.objects.get(site=other, name="load")
        theirs = receive_forecast(organization=people.b, delivery=delivery(other)).channel
    wrong = errors(
        people.a,
        delivery(site, channel=Reference(channel=theirs.pk)),
        delivery(site, load.pk),
        delivery(site, channel=Reference(asset=load.pk, quantity="demand_kw")),
        delivery(site, channel=Reference(site=other.pk, asset="load", quantity="demand_kw")),
        delivery(site, channel=Reference(site="theirs", asset="load", quantity="demand_kw")),
        delivery(site, channel=Reference(site="B-1", quantity="ambient_temperature_c")),
        delivery(site, channel=Reference(channel=10**30)),
    )
    assert list(wrong) == [
        f"forecasts[{index}].{field}"
        for index, field in enumerate(("channel", "asset", "asset", "site", "site", "site", "channel"))
    ]
    assert all("of A." in found[0] for found in wrong.values())


def test_references_that_contradict_themselves_are_refused(people: People, site: Site) -> None:
    second = house(people.a, slug="second")
    wrong = errors(
        people.a,
        delivery(site, channel=Reference(quantity="demand_kw")),
        delivery(site, channel=Reference(asset="load", quantity="demand_kw")),
        delivery(second, Asset.objects.get(site=site, name="load").pk),
        delivery(site, "battery"),
        delivery(site, "load", "yield_kw_per_kw"),
        delivery(site, None, "demand_kw"),
    )
    names = ("channel", "site", "asset", "asset", "quantity", "quantity")
    assert list(wrong) == [f"forecasts[{index}].{field}" for index, field in enumerate(names)]


@pytest.mark.parametrize("count", [1, 3])
def test_many_forecasts_need_no_more_statements(people: People, count: int, django_assert_num_queries: Any) -> None:
    sites = [house(people.a, slug=f"house-{number}") for number in range(count)]
    deliveries = [
        delivery(each, name, quantity)
        for each in sites
        for name, quantity in (("load", "demand_kw"), ("pv", "power_kw"))
    ]
    with django_assert_num_queries(RECEIVE_QUERIES):
        receive_forecasts(organization=people.a, deliveries=deliveries)
    assert ForecastRun.objects.count() == 2 * count


def test_the_database_knows_the_rules_too(people: People, site: Site) -> None:
    run = receive_forecast(organization=people.a, delivery=delivery(site))
    for changes in ({"known_until": ISSUED + HOUR}, {"count": 0}, {"end": START}, {"step_seconds": 7200}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ForecastRun.objects.filter(pk=run.pk).update(**changes)
    with pytest.raises(IntegrityError), transaction.atomic():
        ForecastRun.objects.create(
            **{name: getattr(run, name) for name in ("organization", "channel", "issued_at", "known_until", "start")},
            **{name: getattr(run, name) for name in ("end", "step_seconds", "count", "source")},
        )


def test_there_are_nine_quantiles() -> None:
    assert LEVELS == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
