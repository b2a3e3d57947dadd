"""The activation of orders: the call is fixed, the rest of the day planned anew, devices and market are told."""

from contextlib import suppress
from typing import Any

from django.utils import timezone

from flexmarket.engine.errors import OfferError
from flexmarket.engine.market.states import OfferState
from flexmarket.models import MarketOffer, Order
from flexmarket.trading.calls import pending_orders, planner_of
from flexmarket.trading.lifecycle import change_state
from flexmarket.trading.mending import withdraw_old_offers
from flexplatform.accounts import audit
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.work import Work
from optimization.engine import ProblemError, SolverError
from optimization.models import ScheduleRun
from optimization.replanning import PlanMovedError, replan, rest_of_run
from optimization.services import UnverifiedPlanError
from telemetry.models import Setpoint
from telemetry.services import sites_with_dispatch

SUPERSEDED = "Order {order} changed the plan that it was made with."
MOST_TRIES = 10
NOT_TOLD = "No device is told: plans of this site are not sent to devices. Switch that on, or set the power by hand."


def activate_order(work: Work) -> dict[str, Any]:
    """Do a job of kind `activate_order`: plan the site with the call, tell the devices, and mend the market.

    Raises:
        JobError: where the site cannot hold the call any more; the order has failed then, and says why.
    """
    related = ("offer__site", "offer__run__site", "offer__asset", "offer__product")
    orders = Order.objects.select_related(*related)
    order = orders.get(organization=work.organization, reference=work.input["order"])
    if order.state == Order.State.ACCEPTED:
        _activate(work, order)
    if order.run is not None:
        # A part of a portfolio's offer comes back with the portfolio.
        also = [order.offer] if order.part_of_id is None else []
        withdraw_old_offers(run=order.run, reason=SUPERSEDED.format(order=order.reference), also=also)
    return {"order": order.pk, "run": order.run_id}


def _activate(work: Work, order: Order) -> None:
    work.report(0.1, "Looking at how the site stands")
    try:
        for _ in range(MOST_TRIES):
            with suppress(PlanMovedError):
                return _plan_with_call(work, order)
        raise ProblemError("site", f"{order.offer.site}, renewed {MOST_TRIES} times meanwhile", "a plan that stays")
    except (OfferError, ProblemError, SolverError, UnverifiedPlanError) as error:
        _fail(work, order, str(error))
        raise JobError(f"Order {order.reference} cannot be delivered: {error}") from error


def _plan_with_call(work: Work, order: Order) -> None:
    """Plan the rest of the day with the call and all earlier ones; the order counts as activated with that plan."""
    now = timezone.now()
    rest = rest_of_run(_current(order.offer), now)
    planner = planner_of(order, rest, pending_orders(rest.run.site_id, now))

    def activated(run: ScheduleRun) -> None:
        before = audit.snapshot(order)
        order.state, order.run, order.activated_at = Order.State.ACTIVATED, run, timezone.now()
        order.reason = "" if sites_with_dispatch(order.organization, [run.site_id]) else NOT_TOLD
        order.save(update_fields=["state", "run", "activated_at", "reason"])
        was, after = audit.changed(before, audit.snapshot(order))
        audit.record(organization=order.organization, action="order.activate", instance=order, before=was, after=after)
        change_state(organization=order.organization, offers=[order.offer], state=OfferState.ACTIVATED)

    replan(rest=rest, planner=planner, work=work, source=Setpoint.Source.ACTIVATION, then=activated)


def _current(offer: MarketOffer) -> ScheduleRun:
    """Return the plan that holds now in the time of the offer."""
    runs = ScheduleRun.objects.select_related("site").filter(site=offer.site, start=offer.plan.start)
    return runs.latest()


def _fail(work: Work, order: Order, reason: str) -> None:
    with work.writing():
        before = audit.snapshot(order)
        order.state, order.reason = Order.State.FAILED, reason
        order.save(update_fields=["state", "reason"])
        was, now = audit.changed(before, audit.snapshot(order))
        audit.record(organization=order.organization, action="order.fail", instance=order, before=was, after=now)
        change_state(organization=order.organization, offers=[order.offer], state=OfferState.REJECTED, reason=reason)
