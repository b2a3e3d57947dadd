"""Orders: checked against their offer, stored once, and handed to the worker that activates them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from flexmarket.engine.market.joint import split
from flexmarket.engine.market.orders import TOLERANCE_KW, CalledSteps, OrderRequest, check_order, price_of
from flexmarket.engine.market.refusals import OrderRefused, Reason, Refusal
from flexmarket.engine.market.states import OPEN, OfferState
from flexmarket.models import MarketOffer, Order
from flexmarket.trading.joint_offering import withdraw_joint_offers
from flexmarket.trading.lifecycle import change_state
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.jobs.services import enqueue

ACTIVATE_ORDER = "activate_order"
LONGEST_REFERENCE = 100
OWN_REFERENCE = "a reference of its own for every order"
KNOWN = frozenset({"power_kw", "steps", "powers_kw", "step_minutes", "time_zone", "price_eur_per_kwh"})


@transaction.atomic
def place_order(*, organization: Organization, offer: int | str, reference: str, request: Mapping[str, Any]) -> Order:
    """Order an offer, or a part of its power, and start its activation; the same order again is the same order.

    `offer` is the offer's id or its reference on the market. `request` has `power_kw` (a magnitude), or `steps`
    (`[{"first", "count", "power_kw"}]`, counted from 1 in the market day), or `powers_kw` (one change of consumption
    per step of the day), and may have `step_minutes`, `time_zone` and `price_eur_per_kwh`.

    An order of a portfolio's offer is split over its sites, the cheapest first; each called site has an order of its
    own, which is activated for itself. Other offers of the exclusive group, and those that share a plan with a
    portfolio's offer, are taken off the market. Calls a day and rest between them are those of the product, for each
    device, for the site as a whole, and for the portfolio.

    Raises:
        OrderRefused: with every reason of USEF's validation list that the order meets; then nothing has changed.
    """
    asked = {key: value for key, value in request.items() if value not in (None, [], "")}
    _check_reference(reference)
    row = _locked_offer(organization, offer)
    if (known := _known(row, reference, asked)) is not None:
        return known
    power = min(check_order(row.terms, order_request(asked), timezone.now()), float(row.power_kw))
    called = called_parts(row, power) if row.is_joint else []
    for each, _ in [(row, power), *called]:
        _check_calls(each)
    order = _order_of(row, reference, power, {"offer": row.pk, **asked})
    if called:
        order.price_per_kwh = _decimal(sum(price_of(each.price_steps, kw) * kw for each, kw in called) / power)
    _place(order, starts=not called)
    for part, kw in called:
        name = f"{reference}/{part.reference}"
        _check_unused(organization, name)
        _place(_order_of(part, name, kw, {"offer": part.pk, "power_kw": kw}, part_of=order))
    withdraw_alternatives(row, order, [each for each, _ in called])
    return order


def called_parts(whole: MarketOffer, power_kw: float) -> list[tuple[MarketOffer, float]]:
    """Return the parts of a portfolio's offer that a call needs, held, each with its power in kW.

    Raises:
        OrderRefused: where no parts are left, or they do not give the power.
    """
    rows = MarketOffer.objects.select_for_update(of=("self",)).filter(part_of=whole, state=OfferState.SUBMITTED)
    parts = {each.pk: each for each in rows.select_related("site", "product").order_by("pk")}
    powers = split({pk: each.part for pk, each in parts.items()}, power_kw)
    if abs(sum(powers.values()) - power_kw) > TOLERANCE_KW * max(len(parts), 1):
        allowed = f"what the sites give together: {sum(powers.values()):g}"
        raise OrderRefused([Refusal(Reason.POWER_VALUE, "power_kw", f"{power_kw:g}", allowed)])
    return [(parts[pk], kw) for pk, kw in powers.items()]


def _order_of(
    offer: MarketOffer, reference: str, power: float, request: Mapping[str, Any], part_of: Order | None = None
) -> Order:
    return Order(
        organization_id=offer.organization_id,
        offer=offer,
        part_of=part_of,
        reference=reference,
        request=dict(request),
        power_kw=_decimal(power),
        price_per_kwh=_decimal(price_of(offer.price_steps, power)),
        change_kw=np.asarray(offer.change_kw) * (power / float(offer.power_kw)),
    )


def _place(order: Order, *, starts: bool = True) -> None:
    """Store an order with the job that activates it (`starts`), and bring its offer where it belongs."""
    offer, organization = order.offer, order.organization
    if starts:
        order.job = enqueue(
            organization=organization,
            kind=ACTIVATE_ORDER,
            title=f"Activate order {order.reference}",
            input={"order": order.reference},
            idempotency_key=f"order-of-offer-{offer.pk}",
        )
    order.save()
    audit.record(organization=organization, action="order.place", instance=order, after=audit.snapshot(order))
    whole = order.power_kw >= offer.power_kw - Decimal(str(TOLERANCE_KW))
    change_state(
        organization=organization, offers=[offer], state=OfferState.ORDERED if whole else OfferState.PARTLY_ORDERED
    )


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
    if found is not None and (found.request != {"offer": offer.pk, **asked} or found.part_of_id is not None):
        raise OrderRefused([Refusal(Reason.DUPLICATE_IDENTIFIER, "reference", reference, OWN_REFERENCE)])
    return found


def _check_unused(organization: Organization, reference: str) -> None:
    """Refuse the reference of a part that somebody gave to an order of their own.

    Raises:
        OrderRefused: names it.
    """
    if Order.objects.filter(organization=organization, reference=reference).exists():
        raise OrderRefused([Refusal(Reason.DUPLICATE_IDENTIFIER, "reference", reference, OWN_REFERENCE)])


def _locked_offer(organization: Organization, offer: int | str) -> MarketOffer:
    text = str(offer).removeprefix("FX-")
    found = None
    if text.isascii() and text.isdigit() and len(text) < 19:
        rows = MarketOffer.objects.select_for_update(of=("self",)).select_related("site", "portfolio", "product")
        found = rows.filter(organization=organization, pk=int(text)).first()
    if found is None or found.part_of_id is not None:
        allowed = "the id of an offer that is on the market"
        if found is not None:
            allowed += f", such as FX-{found.part_of_id}, of which it is a part"
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
        offer__portfolio=offer.portfolio_id,
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
        raise OrderRefused(
            [Refusal(Reason.FLEXIBILITY_PROCURED, "offer", f"call {calls + 1} of {day} of {offer.owner}", allowed)]
        )
    rest = timedelta(minutes=product.rest_minutes)
    for each in others:
        if offer.start < each.end + rest and each.start < offer.end + rest:
            allowed = f"{product.rest_minutes} minutes of rest before and after the call of {each.start.isoformat()}"
            raise OrderRefused([Refusal(Reason.FLEXIBILITY_PROCURED, "offer", offer.start.isoformat(), allowed)])


def withdraw_alternatives(offer: MarketOffer, order: Order, called: Sequence[MarketOffer]) -> None:
    """Take off the market what cannot be called beside an order: of the same group, or of the same sites' plans."""
    reason = f"Order {order.reference} took an alternative of it."
    open_offers = MarketOffer.objects.filter(
        organization=offer.organization_id, part_of=None, state__in=[each.value for each in OPEN]
    ).exclude(pk=offer.pk)
    same = Q(exclusive_group=offer.exclusive_group) if offer.exclusive_group else Q(pk=None)
    if called:
        same |= Q(run__in=[each.run_id for each in called], asset=None)
        left = MarketOffer.objects.filter(part_of=offer, state__in=[each.value for each in OPEN])
        left.update(state=OfferState.REVOKED, reason=reason, changed_at=timezone.now())
    change_state(
        organization=offer.organization,
        offers=list(open_offers.filter(same).only("pk", "state", "portfolio", "part_of")),
        state=OfferState.REVOKED,
        reason=reason,
    )
    runs = [each.run_id for each in called or [offer]]
    also = [offer] if called else []
    withdraw_joint_offers(organization=offer.organization, runs=runs, reason=reason, also=also)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(round(float(value), 6)))
