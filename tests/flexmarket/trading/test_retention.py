"""Offers that nobody ordered are deleted after a time; what was ordered stays, with all that belongs to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from flexmarket.engine.market.states import OfferState
from flexmarket.models import MarketOffer, Order
from flexmarket.trading import lifecycle
from flexmarket.trading.clock import tend_market
from flexplatform.accounts.models import AuditEvent
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.factories import market_offer, planned_site

OLD = datetime.now(UTC) - timedelta(days=61)
S = OfferState


@pytest.fixture
def _inside(people: People, acts: None) -> Iterator[None]:
    with organization_scope(people.a):
        yield


def offers(people: People, *states: OfferState, start: datetime = OLD, **values: Any) -> list[MarketOffer]:
    run = planned_site(people.a)[1]
    return [market_offer(people.a, run=run, start=start, state=state, **values) for state in states]


def order(offer: MarketOffer, **values: Any) -> Order:
    return Order.objects.create(
        organization=offer.organization,
        offer=offer,
        reference=f"call {offer.pk}",
        power_kw=offer.power_kw,
        price_per_kwh=0,
        change_kw=np.asarray(offer.change_kw),
        **values,
    )


@pytest.mark.usefixtures("_inside")
def test_old_offers_that_ended_without_an_order_go(people: People) -> None:
    ended = offers(people, S.REVOKED, S.EXPIRED, S.REJECTED)
    going = offers(people, S.SUBMITTED, S.METERED, S.SETTLED)
    young = offers(people, S.REVOKED, start=timezone.now() - timedelta(days=59))
    failed = offers(people, S.REJECTED)
    order(failed[0], state=Order.State.FAILED)
    before = AuditEvent.objects.count()
    assert lifecycle.delete_old(organization=people.a) == len(ended)
    assert set(MarketOffer.objects.all()) == {*going, *young, *failed}
    (event,) = AuditEvent.objects.order_by("-pk")[: AuditEvent.objects.count() - before]
    assert (event.action, event.after["offers"]) == ("market_offer.delete_old", 3)
    assert lifecycle.delete_old(organization=people.a) == 0


@pytest.mark.usefixtures("_inside")
def test_parts_go_with_their_whole_or_when_they_were_not_called(people: People) -> None:
    run = planned_site(people.a)[1]
    joint = {"site": None, "run": None, "portfolio": run.site.portfolio}
    revoked = market_offer(people.a, run=run, start=OLD, state=S.REVOKED)
    called = market_offer(people.a, run=run, start=OLD, state=S.METERED)
    for whole in (revoked, called):
        MarketOffer.objects.filter(pk=whole.pk).update(**joint)
    market_offer(people.a, run=run, start=OLD, state=S.REVOKED, part_of=revoked)
    market_offer(people.a, run=run, start=OLD, state=S.REVOKED, part_of=called)
    part = market_offer(people.a, run=run, start=OLD, state=S.METERED, part_of=called)
    order(part, part_of=order(called))
    assert lifecycle.delete_old(organization=people.a) == 3
    assert set(MarketOffer.objects.values_list("pk", flat=True)) == {called.pk, part.pk}


def test_the_clock_deletes_a_bounded_number_at_once_for_each_organization(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "DELETED_AT_ONCE", 2)
    for organization in (people.a, people.b):
        with organization_scope(organization):
            run = planned_site(organization)[1]
            for _ in range(3):
                market_offer(organization, run=run, start=OLD, state=S.EXPIRED)
    for left in (1, 0):
        tend_market()
        for organization in (people.a, people.b):
            with organization_scope(organization):
                assert MarketOffer.objects.count() == left
