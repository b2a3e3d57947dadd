"""The market after a plan has changed: offers of the old plan go, those that the new plan allows take their place."""

import logging
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from flexmarket.engine.errors import OfferError
from flexmarket.engine.market.states import OPEN, OfferState
from flexmarket.engine.offer import OfferSet
from flexmarket.models import MarketOffer, MarketProduct
from flexmarket.trading.joint_offering import withdraw_joint_offers
from flexmarket.trading.lifecycle import change_state, submit
from flexmarket.trading.offering import SITE, Wanted, offers_for, store_offers
from optimization.models import ScheduleRun

log = logging.getLogger(__name__)


def offer_anew(*, run: ScheduleRun, reason: str, also: Sequence[MarketOffer] = ()) -> int:
    """Revoke the site's open offers that were made with an earlier plan of the time of `run`, and make new ones.

    New ones are made for what had offers, and for what `also` were about, and put on the market. Offers of the site's
    portfolio that rest on an earlier plan go too, and are made anew later. Returns how many new ones there are; doing
    it again changes nothing.
    """
    if MarketOffer.objects.filter(run=run).exists():
        return 0
    rows = MarketOffer.objects.filter(
        organization=run.organization_id, site=run.site_id, run__start=run.start, part_of=None
    )
    earlier = ScheduleRun.objects.filter(site=run.site_id, start=run.start).exclude(pk=run.pk).values("pk")
    open_states = [state.value for state in OPEN]
    standing = list(rows.filter(state__in=open_states).exclude(run=run).select_related("product", "asset"))
    wanted: dict[MarketProduct, set[str]] = {}
    for each in [*standing, *also]:
        wanted.setdefault(each.product, set()).add(each.asset.name if each.asset else SITE)
    # Before the transaction, as it takes seconds and others want to write meanwhile.
    found = [(product, each, _sets(run, product, each)) for product, each in _wanted_by(wanted)]
    with transaction.atomic():
        still = MarketOffer.objects.filter(pk__in=[each.pk for each in standing], state__in=open_states)
        change_state(organization=run.organization, offers=list(still), state=OfferState.REVOKED, reason=reason)
        withdraw_joint_offers(organization=run.organization, runs=earlier, reason=reason)
        made = [
            offer
            for product, each, sets in found
            for offer in store_offers(run=run, product=product, sets=sets, wanted=each)
        ]
        if made:
            submit(organization=run.organization, offers=made)
    return len(made)


def _wanted_by(subjects: dict[MarketProduct, set[str]]) -> list[tuple[MarketProduct, Wanted]]:
    return [(product, Wanted(subjects=sorted(names))) for product, names in subjects.items()]


def _sets(run: ScheduleRun, product: MarketProduct, wanted: Wanted) -> list[OfferSet]:
    try:
        return offers_for(run=run, product=product, wanted=wanted)
    except (OfferError, ValidationError) as error:
        log.warning("Run %s has no new offers for %s: %s", run.pk, product, error)
        return []
