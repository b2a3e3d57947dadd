"""Orders: taken once, refused with the reason, never of another organization."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from assets.models import Asset
from flexmarket.engine.market.refusals import OrderRefused, Reason
from flexmarket.engine.market.states import OfferState, StateError
from flexmarket.models import MarketOffer, Order
from flexmarket.trading.lifecycle import change_state, expire, revoke, submit
from flexmarket.trading.ordering import ACTIVATE_ORDER, place_order
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from tests.conftest import People
from tests.factories import market_offer, planned_site

# Before noon of a coming day, so that later calls of the same local day have room.
START = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
def in_a(people: People, acts: None) -> Iterator[None]:
    with organization_scope(people.a):
        yield


def offer_of(people: People, **values: Any) -> MarketOffer:
    _, run = planned_site(people.a)
    return market_offer(people.a, run=run, start=values.pop("start", START), **values)


def refused(people: People, offer: Any, reference: str = "call-1", **request: Any) -> list[Reason]:
    with pytest.raises(OrderRefused) as caught:
        place_order(organization=people.a, offer=offer, reference=reference, request=request)
    return [each.reason for each in caught.value.refusals]


def test_an_order_fixes_power_price_and_state_and_starts_its_activation(people: People, in_a: None) -> None:
    offer = offer_of(people)
    order = place_order(organization=people.a, offer=offer.pk, reference="call-1", request={"power_kw": 10})
    stored = Order.objects.get(pk=order.pk)
    assert (stored.power_kw, stored.price_per_kwh) == (Decimal(10), Decimal("0.16"))
    np.testing.assert_array_equal(stored.change_kw, [-10.0] * 4)
    assert stored.energy_kwh == 10
    offer.refresh_from_db()
    assert offer.state == OfferState.ORDERED
    assert stored.job is not None
    assert (stored.job.kind, stored.job.input) == (ACTIVATE_ORDER, {"order": "call-1"})
    actions = set(AuditEvent.objects.filter(organization=people.a).values_list("action", flat=True))
    assert {"order.place", "market_offer.ordered", "job.request"} <= actions


def test_a_part_is_called_at_the_price_of_its_cheapest_part(people: People, in_a: None) -> None:
    offer = offer_of(people)
    request = {"power_kw": 4, "price_eur_per_kwh": 0.1}
    order = place_order(organization=people.a, offer=offer.reference, reference="call-1", request=request)
    offer.refresh_from_db()
    assert (offer.state, order.price_per_kwh) == (OfferState.PARTLY_ORDERED, Decimal("0.1"))
    np.testing.assert_array_equal(order.change_kw, [-4.0] * 4)


def test_the_same_order_twice_is_one_order(people: People, in_a: None) -> None:
    offer = offer_of(people)
    asked = {"power_kw": 4.0, "steps": []}
    first = place_order(organization=people.a, offer=offer.pk, reference="call-1", request=asked)
    second = place_order(organization=people.a, offer=offer.reference, reference="call-1", request=asked)
    assert (first.pk, Order.objects.count(), Job.objects.count()) == (second.pk, 1, 1)
    assert refused(people, offer.pk, power_kw=5.0) == [Reason.DUPLICATE_IDENTIFIER]
    assert refused(people, offer.pk, "call-2", power_kw=4.0) == [Reason.FLEXIBILITY_PROCURED]


def test_a_refused_order_changes_nothing(people: People, in_a: None) -> None:
    offer = offer_of(people)
    events = AuditEvent.objects.count()
    assert refused(people, offer.pk, power_kw=11) == [Reason.POWER_VALUE]
    assert refused(people, offer.pk, power_kw="much") == [Reason.POWER_VALUE]
    assert refused(people, offer.pk, power_kw=4, volume=3) == [Reason.POWER_VALUE]
    assert refused(people, offer.pk, steps=[{"first": 1}]) == [Reason.POWER_VALUE]
    assert refused(people, offer.pk, steps=5) == [Reason.POWER_VALUE]
    assert refused(people, offer.pk, powers_kw=[-4.0] * 92) == [Reason.ISP_OUT_OF_BOUNDS]
    assert refused(people, offer.pk, "", power_kw=4) == [Reason.DUPLICATE_IDENTIFIER]
    offer.refresh_from_db()
    assert (offer.state, Order.objects.count(), Job.objects.count()) == (OfferState.SUBMITTED, 0, 0)
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("reference", [10**30, "FX-", "1; drop", "١", -1, 987654321])
def test_an_offer_that_is_none_is_unknown(people: People, in_a: None, reference: Any) -> None:
    assert refused(people, reference, power_kw=4) == [Reason.UNKNOWN_REFERENCE]


def test_an_offer_of_another_organization_is_unknown(people: People, in_a: None) -> None:
    offer = offer_of(people)
    with organization_scope(people.b), pytest.raises(OrderRefused, match="Unknown reference"):
        place_order(organization=people.b, offer=offer.pk, reference="call-1", request={"power_kw": 4})
    assert not Order.objects.exists()


def test_a_gate_that_has_closed_and_an_offer_that_is_over(people: People, in_a: None) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=30)
    late = offer_of(people, start=soon, valid_until=soon)
    assert refused(people, late.pk, power_kw=4) == [Reason.GATE_CLOSED]
    over = market_offer(people.a, run=late.run, start=soon, product=late.product)
    assert refused(people, over.pk, power_kw=4) == [Reason.EXPIRED_REFERENCE]
    assert expire(organization=people.a) == 1
    over.refresh_from_db()
    assert over.state == OfferState.EXPIRED
    assert refused(people, over.pk, power_kw=4) == [Reason.EXPIRED_REFERENCE]


def test_alternatives_leave_the_market_with_the_first_order(people: People, in_a: None) -> None:
    offer = offer_of(people)
    values = {"run": offer.run, "start": START + timedelta(hours=1), "product": offer.product}
    alternative = market_offer(people.a, **values)
    other = market_offer(people.a, **values, exclusive_group="another device")
    place_order(organization=people.a, offer=offer.pk, reference="call-1", request={"power_kw": 4})
    alternative.refresh_from_db()
    other.refresh_from_db()
    assert (alternative.state, other.state) == (OfferState.REVOKED, OfferState.SUBMITTED)
    assert "call-1" in alternative.reason
    assert refused(people, alternative.pk, "call-2", power_kw=4) == [Reason.REVOKED_REFERENCE]


def test_a_day_has_its_calls_and_calls_have_their_rest(people: People, in_a: None) -> None:
    offer = offer_of(people)
    offer.product.rest_minutes, offer.product.most_calls_per_day = 90, 2
    offer.product.save()
    place_order(organization=people.a, offer=offer.pk, reference="call-1", request={"power_kw": 4})

    def another(hours: float, **values: Any) -> MarketOffer:
        own = {"run": offer.plan, "product": offer.product, "exclusive_group": f"after {hours}", **values}
        return market_offer(people.a, start=START + timedelta(hours=hours), **own)

    assert refused(people, another(2).pk, "too-soon", power_kw=4) == [Reason.FLEXIBILITY_PROCURED]
    assert refused(people, another(-2).pk, "too-late", power_kw=4) == [Reason.FLEXIBILITY_PROCURED]
    battery = Asset.objects.get(site=offer.plan.site, name="battery")
    place_order(
        organization=people.a, offer=another(2, asset=battery).pk, reference="another device", request={"power_kw": 4}
    )
    place_order(organization=people.a, offer=another(2.5).pk, reference="call-2", request={"power_kw": 4})
    with pytest.raises(OrderRefused, match="allowed: 2 calls a day"):
        place_order(organization=people.a, offer=another(5).pk, reference="call-3", request={"power_kw": 4})


def test_changes_are_all_or_none_and_those_of_others_are_out_of_reach(people: People, in_a: None) -> None:
    offer = offer_of(people, state=OfferState.VALIDATED)
    ordered = market_offer(people.a, run=offer.run, start=START, product=offer.product, state=OfferState.ORDERED)
    with pytest.raises(StateError, match=f"Offer {ordered.pk} is ordered and cannot become revoked"):
        revoke(organization=people.a, offers=[offer, ordered])
    offer.refresh_from_db()
    assert offer.state == OfferState.VALIDATED
    assert [each.state for each in submit(organization=people.a, offers=[offer])] == [OfferState.SUBMITTED]
    assert change_state(organization=people.b, offers=[offer], state=OfferState.REVOKED) == []
    offer.refresh_from_db()
    assert offer.state == OfferState.SUBMITTED
