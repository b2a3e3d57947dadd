"""The one way by which offers change their state."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from flexmarket.engine.market.states import ENDED, OPEN, OfferState, check_change, path_of_whole
from flexmarket.models import MarketOffer, Order
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization

# What a portfolio's offer takes its open parts along to.
CARRIED = OPEN | {OfferState.REVOKED, OfferState.EXPIRED}
LONGEST_REASON = 2000
# How long offers that nobody ordered are kept after the start of their call.
KEPT = timedelta(days=60)
DELETED_AT_ONCE = 2000


@transaction.atomic
def change_state(
    *, organization: Organization, offers: Sequence[MarketOffer], state: OfferState, reason: str = ""
) -> list[MarketOffer]:
    """Bring offers of the organization into a state, all or none; an offer that is in it already stays as it is.

    Open parts of a portfolio's offer follow it; once parts were called, the portfolio's offer and order follow them.
    Returns the offers as they are stored now, by id.

    Raises:
        StateError: names the offer, both states and those that are possible.
    """
    wanted = MarketOffer.objects.filter(organization=organization, pk__in=[each.pk for each in offers])
    locked = list(wanted.select_for_update(of=("self",)).order_by("pk"))
    changing = [each for each in locked if each.state != state]
    for each in changing:
        check_change(str(each), OfferState(each.state), state)
    now = timezone.now()
    rows = []
    for each in changing:
        before = {"state": each.state}
        each.state, each.reason, each.changed_at = state, reason, now
        rows.append((each, before, {"state": state.value, **({"reason": reason} if reason else {})}))
    MarketOffer.objects.bulk_update(changing, ["state", "reason", "changed_at"], batch_size=500)
    audit.record_many(organization=organization, action=f"market_offer.{state}", rows=rows)
    _carry_parts([each.pk for each in changing if each.is_joint], state, reason)
    _follow_parts(organization, {each.part_of_id for each in changing if each.part_of_id is not None})
    return locked


def _carry_parts(wholes: Collection[int], state: OfferState, reason: str) -> None:
    """Bring the open parts of portfolios' offers where these are; the event of the whole stands for them."""
    if wholes and state in CARRIED:
        parts = MarketOffer.objects.filter(part_of__in=wholes, state__in=[each.value for each in OPEN])
        parts.update(state=state, reason=reason, changed_at=timezone.now())


def _follow_parts(organization: Organization, wholes: Collection[int]) -> None:
    """Bring portfolios' offers, and their orders, where the called parts are."""
    found = MarketOffer.objects.filter(organization=organization, pk__in=wholes)
    # Holds the whole: of two parts that change at the same time, the second one sees the change of the first.
    for whole in found.select_for_update(of=("self",)).order_by("pk"):
        called = list(Order.objects.filter(part_of__offer=whole).select_related("offer__site"))
        order = Order.objects.select_for_update(of=("self",)).filter(offer=whole).first()
        if not called or order is None:
            continue
        _follow_orders(order, called)
        path = path_of_whole(OfferState(whole.state), [OfferState(each.offer.state) for each in called])
        for state in path:
            change_state(organization=organization, offers=[whole], state=state, reason=order.reason)


def _follow_orders(order: Order, called: Sequence[Order]) -> None:
    before = audit.snapshot(order)
    order.state = state_of_whole([each.state for each in called])
    failed = [each for each in called if each.state == Order.State.FAILED]
    told = "; ".join(f"{each.offer.owner}: {each.reason}" for each in failed)
    order.reason = f"{len(failed)} of {len(called)} sites cannot be called. {told}"[:LONGEST_REASON] if failed else ""
    order.activated_at = max((each.activated_at for each in called if each.activated_at), default=None)
    was, now = audit.changed(before, audit.snapshot(order))
    if now:
        order.save(update_fields=["state", "reason", "activated_at"])
        audit.record(
            organization=order.organization, action="order.follow_parts", instance=order, before=was, after=now
        )


def state_of_whole(states: Collection[str]) -> str:
    """Return the state of an order whose parts are in these states."""
    states = set(states)
    if Order.State.ACCEPTED in states:
        return Order.State.ACCEPTED
    if states == {Order.State.FAILED}:
        return Order.State.FAILED
    if states <= {Order.State.DELIVERED, Order.State.FAILED}:
        return Order.State.DELIVERED
    return Order.State.PARTLY if Order.State.FAILED in states else Order.State.ACTIVATED


def check_submittable(offer: MarketOffer) -> str:
    """Return why an offer cannot go on the market now; nothing where it can."""
    now = timezone.now()
    if now >= min(offer.valid_until, offer.gate_closes_at):
        return "Its gate has closed."
    if not offer.product.is_active:
        return f"{offer.product} is not sold any more."
    return ""


@transaction.atomic
def submit(*, organization: Organization, offers: Sequence[MarketOffer]) -> list[MarketOffer]:
    """Validate drafts and put them on the market, all or none.

    Raises:
        StateError: as `change_state`.
        ValidationError: names the first offer that cannot go there, and why.
    """
    refuse_parts(offers)
    wanted = MarketOffer.objects.filter(organization=organization, pk__in=[each.pk for each in offers])
    for offer in wanted.select_related("product"):
        if reason := check_submittable(offer):
            raise ValidationError({"offers": f"{offer} cannot be submitted. {reason}"})
    drafts = list(wanted.filter(state=OfferState.DRAFT).only("pk"))
    change_state(organization=organization, offers=drafts, state=OfferState.VALIDATED)
    return change_state(organization=organization, offers=offers, state=OfferState.SUBMITTED)


def revoke(*, organization: Organization, offers: Sequence[MarketOffer], reason: str = "") -> list[MarketOffer]:
    """Take offers off the market; one that was ordered stays, as in USEF.

    Raises:
        StateError: as `change_state`.
        ValidationError: names a part of a portfolio's offer.
    """
    refuse_parts(offers)
    return change_state(organization=organization, offers=offers, state=OfferState.REVOKED, reason=reason)


def refuse_parts(offers: Sequence[MarketOffer]) -> None:
    """Refuse parts of portfolios' offers, which are sold and called as one.

    Raises:
        ValidationError: names the first part, and its whole.
    """
    for offer in offers:
        if offer.part_of_id is not None:
            raise ValidationError({"offers": f"{offer} is a part of Offer {offer.part_of_id}; change that one."})


def expire(*, organization: Organization) -> int:
    """End the offers that nobody ordered in time; return how many."""
    now = timezone.now()
    open_states = [state.value for state in OPEN]
    rows = MarketOffer.objects.filter(organization=organization, part_of=None)
    over = rows.filter(state__in=open_states, valid_until__lte=now)
    # Asking first, as SQLite has one writer at a time.
    found = list(over.only("pk")) if over.exists() else []
    change_state(organization=organization, offers=found, state=OfferState.EXPIRED, reason="Nobody ordered it in time.")
    return len(found)


@transaction.atomic
def delete_old(*, organization: Organization) -> int:
    """Delete offers that ended without an order and whose time is long over, some at once; return how many.

    One audit event stands for all of them. An offer with an order, and what it belongs to, stays.
    """
    before = timezone.now() - KEPT
    over = MarketOffer.objects.filter(
        organization=organization, state__in=[state.value for state in ENDED], start__lt=before, order=None
    )
    # Asking first, as SQLite has one writer at a time.
    found = list(over.order_by().values_list("pk", flat=True)[:DELETED_AT_ONCE])
    if not found:
        return 0
    _, by_table = MarketOffer.objects.filter(pk__in=found).delete()
    deleted = by_table.get(MarketOffer._meta.label, 0)
    after = {"offers": deleted, "started_before": before.isoformat()}
    audit.record(organization=organization, action="market_offer.delete_old", instance=organization, after=after)
    return deleted
