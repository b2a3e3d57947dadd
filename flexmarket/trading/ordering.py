"""Orders: checked against their offer, stored once, and handed to the worker that activates them."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from flexmarket.engine.market.orders import CalledSteps, OrderRequest, check_order, price_of
from flexmarket.engine.market.refusals import OrderRefused, Reason, Refusal
from flexmarket.engine.market.states import OPEN, OfferState
from flexmarket.models import MarketOffer, Order
from flexmarket.trading.lifecycle import change_state
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.jobs.services import enqueue

ACTIVATE_ORDER = "activate_order"
LONGEST_REFERENCE = 100
KNOWN = frozenset({"power_kw", "steps", "powers_kw", "step_minutes", "time_zone", "price_eur_per_kwh"})


@transaction.atomic
def place_order(*, organization: Organization, offer: int | str, reference: str, request: Mapping[str, Any]) -> Order:
    """Order an offer, or a part of its power, and start its activation; the same order again is the same order.

    `offer` is the offer's id or its reference on the market. `request` has `power_kw` (a magnitude), or `steps`
    (`[{"first", "count", "power_kw"}]`, counted from 1 in the market day), or `powers_kw` (one change of consumption
    per step of the day), and may have `step_minutes`, `time_zone` and `price_eur_per_kwh`.

    Other offers of the exclusive group are taken off the market. Calls a day and rest between them are those of the
    product, for each device and for the site as a whole.

    Raises:
        OrderRefused: with every reason of USEF's validation list that the order meets; then nothing has changed.
    """
    asked = {key: value for key, value in request.items() if value not in (None, [], "")}
    _check_reference(reference)
    row = _locked_offer(organization, offer)
    if (known := _known(row, reference, asked)) is not None:
        return known
    power = check_order(row.terms, order_request(asked), timezone.now())
    _check_calls(row)
    power = min(power, float(row.power_kw))
    whole = power >= float(row.power_kw) - 1e-6
    order = Order(
        organization=organization,
        offer=row,
        reference=reference,
        request={"offer": row.pk, **asked},
        power_kw=Decimal(repr(round(power, 6))),
        price_per_kwh=Decimal(repr(round(price_of(row.terms.prices, power), 6))),
        change_kw=np.asarray(row.change_kw) * (power / float(row.power_kw)),
    )
    order.job = enqueue(
        organization=organization,
        kind=ACTIVATE_ORDER,
        title=f"Activate order {reference}",
        input={"order": reference},
        idempotency_key=f"order-{reference}"[:100],
    )
    order.save()
    audit.record(organization=organization, action="order.place", instance=order, after=audit.snapshot(order))
    state = OfferState.ORDERED if whole else OfferState.PARTLY_ORDERED
    change_state(organization=organization, offers=[row], state=state)
    _withdraw_alternatives(row, order)
    return order


def order_request(asked: Mapping[str, Any]) -> OrderRequest:
    """Return a request as the engine takes it.

    Raises:
        OrderRefused: for a field that an order does not have, or a value of another type.
    """
    for name in asked:
        if name not in KNOWN:
            raise OrderRefused([Refusal(Reason.POWER_VALUE, name, asked[name], "one of " + ", ".join(sorted(KNOWN)))])
    minutes = asked.get("step_minutes")
    try:
        return OrderRequest(
            power_kw=_number(asked, "power_kw"),
            steps=[
                CalledSteps(int(each["first"]), int(each["count"]), float(each["power_kw"])) for each in _steps(asked)
            ],
            powers_kw=[float(each) for each in asked["powers_kw"]] if "powers_kw" in asked else None,
            step=timedelta(minutes=float(minutes)) if minutes is not None else None,
            time_zone=asked.get("time_zone"),
            price_eur_per_kwh=_number(asked, "price_eur_per_kwh"),
        )
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        allowed = "numbers; steps with first, count and power_kw"
        raise OrderRefused([Refusal(Reason.POWER_VALUE, "order", f"not readable ({error})", allowed)]) from error


def _steps(asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(asked.get("steps", ()))


def _number(asked: Mapping[str, Any], name: str) -> float | None:
    return float(asked[name]) if name in asked else None


def _check_reference(reference: str) -> None:
    if not reference or len(reference) > LONGEST_REFERENCE or "\0" in reference:
        allowed = f"1 to {LONGEST_REFERENCE} characters"
        raise OrderRefused([Refusal(Reason.DUPLICATE_IDENTIFIER, "reference", repr(reference[:120]), allowed)])


def _known(offer: MarketOffer, reference: str, asked: Mapping[str, Any]) -> Order | None:
    """Return the order of this reference.

    Raises:
        OrderRefused: where it is another one.
    """
    orders = Order.objects.select_related("offer")
    found = orders.filter(organization=offer.organization_id, reference=reference).first()
    if found is not None and found.request != {"offer": offer.pk, **asked}:
        allowed = "a reference of its own for every order"
        raise OrderRefused([Refusal(Reason.DUPLICATE_IDENTIFIER, "reference", reference, allowed)])
    return found


def _locked_offer(organization: Organization, offer: int | str) -> MarketOffer:
    text = str(offer).removeprefix("FX-")
    found = None
    if text.isascii() and text.isdigit() and len(text) < 19:
        rows = MarketOffer.objects.select_for_update(of=("self",)).select_related("site", "product")
        found = rows.filter(organization=organization, pk=int(text)).first()
    if found is None:
        allowed = "the id of an offer that is on the market"
        raise OrderRefused([Refusal(Reason.UNKNOWN_REFERENCE, "offer", repr(offer), allowed)])
    return found


def _check_calls(offer: MarketOffer) -> None:
    """Refuse a call that the product's terms leave no room for beside the other calls of the device or site.

    Raises:
        OrderRefused: where the day has its calls already, or the rest between two calls is too short.
    """
    product = offer.product
    if not product.most_calls_per_day and not product.rest_minutes:
        return
    near = timedelta(days=2)
    orders = Order.objects.filter(
        organization=offer.organization_id,
        offer__site=offer.site_id,
        offer__asset=offer.asset_id,
        offer__product=product,
        offer__start__range=(offer.start - near, offer.start + near),
    ).exclude(state=Order.State.FAILED)
    others = [each.offer for each in orders.select_related("offer")]
    day = offer.start.astimezone(offer.zone).date()
    calls = sum(each.start.astimezone(offer.zone).date() == day for each in others)
    if product.most_calls_per_day and calls >= product.most_calls_per_day:
        allowed = f"{product.most_calls_per_day} calls a day"
        raise OrderRefused([Refusal(Reason.FLEXIBILITY_PROCURED, "offer", f"call {calls + 1} of {day}", allowed)])
    rest = timedelta(minutes=product.rest_minutes)
    for each in others:
        if offer.start < each.end + rest and each.start < offer.end + rest:
            allowed = f"{product.rest_minutes} minutes of rest before and after the call of {each.start.isoformat()}"
            raise OrderRefused([Refusal(Reason.FLEXIBILITY_PROCURED, "offer", offer.start.isoformat(), allowed)])


def _withdraw_alternatives(offer: MarketOffer, order: Order) -> None:
    if not offer.exclusive_group:
        return
    others = MarketOffer.objects.filter(
        organization=offer.organization_id,
        exclusive_group=offer.exclusive_group,
        state__in=[each.value for each in OPEN],
    ).exclude(pk=offer.pk)
    change_state(
        organization=offer.organization,
        offers=list(others.only("pk")),
        state=OfferState.REVOKED,
        reason=f"Order {order.reference} took an alternative of it.",
    )
