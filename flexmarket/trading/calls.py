"""Calls that a plan has to keep: those of orders that are activated and not over."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from flexmarket.engine import exact
from flexmarket.engine.exact import Promise
from flexmarket.engine.offer import Direction, Offer, PriceStep, Provenance, fingerprint
from flexmarket.models import MarketOffer, Order
from optimization.engine.horizon import Horizon
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule
from optimization.queries import whole_schedule_of
from optimization.replanning import Planner, Rest


def pending_orders(site: int, moment: datetime) -> list[Order]:
    """Return the activated orders of a site whose call is not over, the earliest call first; one query."""
    orders = Order.objects.filter(offer__site=site, state=Order.State.ACTIVATED)
    found = orders.select_related("offer__asset", "offer__product", "offer__run__site", "run")
    return sorted((each for each in found if each.offer.end > moment), key=lambda each: each.offer.start)


def called_plans(sites: Collection[int], horizon: Horizon) -> dict[int, str]:
    """Return, by site, why its plan of a time has to stay: an activated order that is not over; one query."""
    orders = Order.objects.filter(offer__site__in=sites, offer__start__lt=horizon.end, state=Order.State.ACTIVATED)
    begins = max(horizon.start, timezone.now())
    found = ((order, order.offer) for order in orders.select_related("offer"))
    return {
        offer.site_id or 0: f"order {order.reference} calls it until {offer.end:%Y-%m-%d %H:%M} UTC"
        for order, offer in found
        if offer.end > begins
    }


def promises_of(orders: Sequence[Order]) -> list[Promise]:
    """Return the power that orders have promised, as the plans with their calls have it."""
    return [_promise(order) for order in orders if order.run is not None]


def planner_of(order: Order, rest: Rest, others: Sequence[Order]) -> Planner:
    """Return what plans the rest of a day with the call of an order, and keeps the calls of `others`.

    It raises OfferError where the site cannot hold the call as it stands.
    """

    def planned(_problem: SiteProblem, _left: Schedule) -> Schedule:
        promised = whole_schedule_of(order.offer.plan)
        return exact.activate(
            rest.whole,
            promised,
            engine_offer(order.offer, promised),
            float(order.power_kw),
            now=rest.problem.horizon.start,
            states=rest.states,
            promises=promises_of(others),
        )

    return planned


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


def _promise(order: Order) -> Promise:
    offer, plan = order.offer, whole_schedule_of(order.plan)
    device = offer.asset.name if offer.asset else None
    power = plan.devices[device]["power_kw"] if device else plan.grid_power_kw
    first = round((offer.start - plan.horizon.start) / plan.horizon.step)
    return Promise(device=device, start=offer.start, power_kw=power[first : first + offer.count])
