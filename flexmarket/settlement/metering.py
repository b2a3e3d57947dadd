"""Delivery of calls, measured against the baseline that their product names."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.utils import timezone

from flexmarket.engine.baselines import BASELINES, BaselineError
from flexmarket.engine.market.states import TRANSITIONS, OfferState
from flexmarket.engine.settlement import DeliveryTerms, Settled, delivered, settle
from flexmarket.models import Delivery, Order
from flexmarket.settlement.evidence import evidence_of
from flexmarket.trading.lifecycle import change_state
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from optimization.engine.series import Series

# Readings are given time to arrive; those that come later make a new version.
LATEST_READINGS = timedelta(minutes=15)
OFTEN = timedelta(hours=1)
LATE_READINGS = timedelta(days=60)


def settled(order: Order, *, method: str = "") -> tuple[Settled, Series, Series]:
    """Return what an order comes to by a baseline ("": that of its product), the baseline and what was measured, kW.

    Raises:
        BaselineError: says what is missing for the baseline.
    """
    if order.offer.is_joint:
        raise BaselineError(f"{order} is called in parts; each site's part is metered for itself.")
    evidence, product = evidence_of(order), order.offer.product
    baseline = BASELINES[method or product.baseline_method].baseline(evidence)
    measured = evidence.today_kw[evidence.called]
    steps = delivered(np.asarray(order.change_kw), baseline, measured, evidence.step_hours)
    terms = DeliveryTerms(
        price_per_kwh=order.price_per_kwh,
        penalty_per_kwh=product.penalty_per_kwh,
        tolerance_share=product.tolerance_share,
        minimum_share=product.minimum_delivery_share,
    )
    return settle(steps, terms), baseline, measured


@transaction.atomic
def meter_order(*, order: Order) -> Delivery:
    """Store what a call delivered; the newest delivery is kept where nothing has changed since.

    Raises:
        BaselineError: as `settled`; then nothing is stored.
        StateError: for an order that was not activated.
    """
    locked = Order.objects.select_for_update(of=("self",)).select_related(
        "offer__site", "offer__asset", "offer__product"
    )
    order = locked.get(pk=order.pk)
    found, baseline, measured = settled(order)
    newest = Delivery.objects.filter(order=order).order_by("-version").first()
    made = Delivery(
        organization_id=order.organization_id,
        order=order,
        version=newest.version + 1 if newest else 1,
        baseline_method=order.offer.product.baseline_method,
        baseline_kw=baseline,
        measured_kw=measured,
        ordered_kwh=found.ordered_kwh,
        delivered_kwh=found.delivered_kwh,
        missing_kwh=found.missing_kwh,
        unmeasured_steps=found.unmeasured,
        payment=found.payment,
        penalty=found.penalty,
        amount=found.amount,
    )
    if newest is not None and _same(newest, made):
        return newest
    made.save()
    audit.record(organization=order.organization, action="delivery.meter", instance=made, after=audit.snapshot(made))
    _advance(order)
    return made


def meter_due(*, organization: Organization) -> tuple[list[Delivery], list[tuple[Order, str]]]:
    """Meter every call that is over; return the deliveries that are new, and the orders that have none, with why.

    Calls whose last delivery had steps without a measurement are metered again.
    """
    made, failed = [], []
    for order in due(organization):
        known = Delivery.objects.filter(order=order).count()
        try:
            delivery = meter_order(order=order)
        except BaselineError as error:
            failed.append((order, str(error)))
            continue
        if delivery.version > known:
            made.append(delivery)
    return made, failed


def due(organization: Organization) -> Iterable[Order]:
    """Return the orders whose call is over and that are not metered, or not in every step."""
    running = [Order.State.ACTIVATED, Order.State.DELIVERED]
    orders = Order.objects.filter(organization=organization, state__in=running, offer__portfolio=None).select_related(
        "offer"
    )
    now = timezone.now()
    over = [order for order in orders if _is_due(order.offer.end, now)]
    complete = set(Delivery.objects.filter(order__in=over, unmeasured_steps=0).values_list("order_id", flat=True))
    return [order for order in over if order.pk not in complete]


def _is_due(end: datetime, now: datetime) -> bool:
    """Tell whether a call that ended then is looked at now: every time at first, later once an hour, for a while."""
    age = now - end
    return LATEST_READINGS <= age < LATE_READINGS and (age < OFTEN or now.minute == 0)


def _same(one: Delivery, other: Delivery) -> bool:
    names = ("baseline_method", "delivered_kwh", "missing_kwh", "unmeasured_steps", "amount")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _advance(order: Order) -> None:
    """Let order and offer say that the call was delivered and metered."""
    if order.state == Order.State.ACTIVATED:
        order.state = Order.State.DELIVERED
        order.save(update_fields=["state"])
    for after in (OfferState.DELIVERED, OfferState.METERED):
        if after in TRANSITIONS[OfferState(order.offer.state)]:
            order.offer = change_state(organization=order.organization, offers=[order.offer], state=after)[0]
