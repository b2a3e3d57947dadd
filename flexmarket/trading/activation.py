"""The activation of orders: the call is fixed, the rest of the day planned anew, devices and market are told."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from flexmarket.engine import exact
from flexmarket.engine.errors import OfferError
from flexmarket.engine.market.states import OPEN, OfferState
from flexmarket.engine.offer import Direction, Offer, PriceStep, Provenance, fingerprint
from flexmarket.models import MarketOffer, Order
from flexmarket.trading.lifecycle import change_state, submit
from flexmarket.trading.offering import SITE, Wanted, make_offers
from flexplatform.accounts import audit
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.work import Work
from optimization.engine import ProblemError, SolverError
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.models import ScheduleRun
from optimization.queries import whole_schedule_of
from optimization.replanning import Rest, replan, rest_of_run
from optimization.services import UnverifiedPlanError

log = logging.getLogger(__name__)

SUPERSEDED = "Order {order} changed the plan that it was made with."


def activate_order(work: Work) -> dict[str, Any]:
    """Do a job of kind `activate_order`: plan the site with the call, tell the devices, and mend the market.

    Raises:
        JobError: where the site cannot hold the call any more; the order has failed then, and says why.
    """
    orders = Order.objects.select_related("offer__site", "offer__run__site", "offer__asset", "offer__product")
    order = orders.get(organization=work.organization, reference=work.input["order"])
    if order.state == Order.State.ACCEPTED:
        _activate(work, order)
    made = _offer_anew(order, order.run) if order.run else 0
    return {"order": order.pk, "run": order.run_id, "offers": made}


def engine_offer(row: MarketOffer, schedule: Schedule) -> Offer:
    """Return a stored offer as the engine takes it; `schedule` is the whole plan that was its baseline."""
    device = row.asset.name if row.asset else None
    baseline = schedule.devices[device]["power_kw"] if device else schedule.grid_power_kw
    step = timedelta(seconds=row.step_seconds)
    return Offer(
        key=row.reference,
        device=device,
        kind=row.asset.kind if row.asset else "site",
        direction=Direction(row.direction),
        start=row.start,
        step=step,
        change_kw=np.asarray(row.change_kw),
        prices=tuple(PriceStep(up_to_kw=float(up_to), price_eur_per_kwh=float(price)) for up_to, price in row.prices),
        least_power_kw=0.0,
        marginal_eur=float(row.cost_eur),
        rebound_kw=np.asarray([] if row.rebound_kw is None else row.rebound_kw),
        exclusive_group=row.exclusive_group,
        baseline_id=fingerprint(schedule.horizon, np.asarray(baseline)),
        valid_until=row.valid_until,
        provenance=Provenance(method=row.method),
        min_duration=step * row.count,
        max_duration=step * row.count,
    )


def _activate(work: Work, order: Order) -> None:
    offer = order.offer
    work.report(0.1, "Looking at how the site stands")
    try:
        rest = rest_of_run(_current(offer), timezone.now())
        run = replan(rest=rest, planner=_planner(order, rest), work=work, hysteresis=False)
    except (OfferError, ProblemError, SolverError, UnverifiedPlanError) as error:
        _fail(work, order, str(error))
        raise JobError(f"Order {order.reference} cannot be delivered: {error}") from error
    with work.writing():
        before = audit.snapshot(order)
        order.state, order.run, order.activated_at = Order.State.ACTIVATED, run, timezone.now()
        order.save(update_fields=["state", "run", "activated_at"])
        was, now = audit.changed(before, audit.snapshot(order))
        audit.record(organization=order.organization, action="order.activate", instance=order, before=was, after=now)
        change_state(organization=order.organization, offers=[offer], state=OfferState.ACTIVATED)


def _current(offer: MarketOffer) -> ScheduleRun:
    """Return the plan that holds now in the time of the offer."""
    runs = ScheduleRun.objects.select_related("site").filter(site=offer.site, start=offer.plan.start)
    return runs.latest()


def _planner(order: Order, rest: Rest) -> Any:
    def planned(_problem: SiteProblem, _left: Schedule) -> Schedule:
        promised = whole_schedule_of(order.offer.plan)
        return exact.activate(
            rest.whole,
            promised,
            engine_offer(order.offer, promised),
            float(order.power_kw),
            now=rest.problem.horizon.start,
            states=rest.states if rest.step else None,
        )

    return planned


def _fail(work: Work, order: Order, reason: str) -> None:
    with work.writing():
        before = audit.snapshot(order)
        order.state, order.reason = Order.State.FAILED, reason
        order.save(update_fields=["state", "reason"])
        was, now = audit.changed(before, audit.snapshot(order))
        audit.record(organization=order.organization, action="order.fail", instance=order, before=was, after=now)
        change_state(organization=order.organization, offers=[order.offer], state=OfferState.REJECTED, reason=reason)


def _offer_anew(order: Order, run: ScheduleRun) -> int:
    """Take the site's other offers off the market, and put what the new plan allows in their place."""
    if MarketOffer.objects.filter(run=run).exists():
        return 0
    standing = _standing(order, run)
    subjects = {(each.product, each.asset.name if each.asset else SITE) for each in [*standing, order.offer]}
    with transaction.atomic():
        reason = SUPERSEDED.format(order=order.reference)
        change_state(organization=order.organization, offers=standing, state=OfferState.REVOKED, reason=reason)
        made: list[MarketOffer] = []
        for product in {product for product, _ in subjects}:
            wanted = Wanted(subjects=sorted(name for other, name in subjects if other == product))
            made += _made(run, product, wanted)
        if made:
            submit(organization=order.organization, offers=made)
    return len(made)


def _standing(order: Order, run: ScheduleRun) -> Sequence[MarketOffer]:
    """Return the site's open offers that were made with another plan than the new one of the same time."""
    rows = MarketOffer.objects.filter(
        Q(state__in=[state.value for state in OPEN]), organization=order.organization, site=order.offer.site
    )
    of_time = rows.filter(run__start=run.start).exclude(run=run)
    return list(of_time.select_related("product", "asset"))


def _made(run: ScheduleRun, product: Any, wanted: Wanted) -> list[MarketOffer]:
    try:
        return make_offers(run=run, product=product, wanted=wanted)
    except (OfferError, ValidationError) as error:
        log.warning("Run %s has no new offers for %s: %s", run.pk, product, error)
        return []


def pending_calls(site: int, moment: datetime) -> list[Order]:
    """Return the activated orders of a site whose call is not over; a plan must keep them."""
    orders = Order.objects.select_related("offer__asset", "offer__product").filter(
        offer__site=site, state=Order.State.ACTIVATED
    )
    return [order for order in orders if order.offer.end > moment]
