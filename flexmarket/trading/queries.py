"""Reads of offers and orders for pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from flexmarket.engine.market.states import OfferState
from flexmarket.models import STATE_LABELS, Delivery, MarketOffer, Order
from flexmarket.trading.activation import SUPERSEDED
from flexplatform.accounts.models import AuditEvent
from telemetry.models import Setpoint

SERIES = ("change_kw", "baseline_kw", "rebound_kw")
MOST_SHOWN = 20


@dataclass(frozen=True)
class StateSum:
    """How many offers are in a state, and their power together, kW."""

    state: str
    label: Any
    count: int
    power_kw: Decimal


@dataclass(frozen=True)
class Change:
    """A change of an offer's state: when, by whom, from what to what, and why."""

    at: datetime
    actor: str
    door: str
    before: Any
    after: Any
    reason: str


@dataclass(frozen=True)
class Others:
    """Other offers that an order touched: how many, and the first of them."""

    count: int
    shown: Sequence[MarketOffer]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.shown)


def listed_offers(rows: "QuerySet[MarketOffer]") -> "QuerySet[MarketOffer]":
    """Return offers with what a list shows of them, without their series."""
    return rows.select_related("product", "site", "portfolio", "asset").defer(*SERIES)


def sums_by_state(rows: "QuerySet[MarketOffer]") -> list[StateSum]:
    """Return number and power of offers by state, in the order of their life; one query."""
    found = rows.order_by().values_list("state").annotate(Count("pk"), Sum("power_kw"))
    by_state = {state: (count, power) for state, count, power in found}
    return [
        StateSum(state.value, STATE_LABELS[state], *by_state[state.value])
        for state in OfferState
        if state.value in by_state
    ]


def history_of(offer: MarketOffer) -> list[Change]:
    """Return the changes of an offer's state, the newest first; one query."""
    events = AuditEvent.objects.filter(
        organization=offer.organization_id, object_type=offer._meta.label_lower, object_id=str(offer.pk)
    )
    return [
        Change(
            at=event.at,
            actor=event.actor_label,
            door=event.get_door_display(),
            before=_word((event.before or {}).get("state")),
            after=_word((event.after or {}).get("state")),
            reason=(event.after or {}).get("reason", ""),
        )
        for event in events
        if "state" in (event.after or {})
    ]


def revoked_by(order: Order) -> Others:
    """Return the offers that an order took off the market: alternatives, and those of the plan before."""
    taken = f"Order {order.reference} took an alternative of it."
    rows = MarketOffer.objects.filter(
        organization=order.organization_id,
        site=order.offer.site_id,
        state=OfferState.REVOKED,
        reason__in=[taken, SUPERSEDED.format(order=order.reference)],
    )
    return _others(rows)


def made_after(order: Order) -> Others:
    """Return the offers that were made of the plan with the call."""
    if order.run_id is None:
        return Others(0, [])
    return _others(MarketOffer.objects.filter(organization=order.organization_id, run=order.run_id))


def setpoints_of(order: Order) -> list[tuple[Setpoint, Any]]:
    """Return what the devices were told by the plan with the call, with the power of the call's first step, kW."""
    if order.run_id is None:
        return []
    rows = Setpoint.objects.filter(
        organization=order.organization_id, site=order.offer.site_id, origin=f"schedule run {order.run_id}"
    )
    return [(row, row.steps.at(order.offer.start)) for row in rows.select_related("asset").order_by("asset__name")]


def newest_deliveries(orders: Sequence[Order]) -> dict[int, Delivery]:
    """Return the newest delivery of each order by its id; one query."""
    if not orders:
        return {}
    rows = Delivery.objects.filter(order__in=orders).order_by("version")
    return {each.order_id: each for each in rows}


def _others(rows: "QuerySet[MarketOffer]") -> Others:
    shown = list(listed_offers(rows)[: MOST_SHOWN + 1])
    count = len(shown) if len(shown) <= MOST_SHOWN else rows.count()
    return Others(count, shown[:MOST_SHOWN])


def _word(state: Any) -> Any:
    known = {each.value: label for each, label in STATE_LABELS.items()}
    return known.get(state, state)
