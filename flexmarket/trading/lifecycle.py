"""The one way by which offers change their state."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from flexmarket.engine.market.states import OPEN, OfferState, check_change
from flexmarket.models import MarketOffer
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization


@transaction.atomic
def change_state(
    *, organization: Organization, offers: Sequence[MarketOffer], state: OfferState, reason: str = ""
) -> list[MarketOffer]:
    """Bring offers of the organization into a state, all or none; an offer that is in it already stays as it is.

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
    return locked


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
    """
    return change_state(organization=organization, offers=offers, state=OfferState.REVOKED, reason=reason)


def expire(*, organization: Organization) -> int:
    """End the offers that nobody ordered in time; return how many."""
    now = timezone.now()
    open_states = [state.value for state in OPEN]
    over = MarketOffer.objects.filter(organization=organization, state__in=open_states, valid_until__lte=now)
    # Asking first, as SQLite has one writer at a time.
    found = list(over.only("pk")) if over.exists() else []
    change_state(organization=organization, offers=found, state=OfferState.EXPIRED, reason="Nobody ordered it in time.")
    return len(found)
