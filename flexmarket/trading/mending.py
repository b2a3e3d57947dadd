"""The market after a plan has changed: offers of the old plan go, those that the new plan allows take their place."""

import logging
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from flexmarket.engine.errors import OfferError
from flexmarket.engine.market.states import OPEN, OfferState
from flexmarket.models import MarketOffer, MarketProduct
from flexmarket.trading.lifecycle import change_state, submit
from flexmarket.trading.offering import SITE, Wanted, make_offers
from optimization.models import ScheduleRun

log = logging.getLogger(__name__)


def offer_anew(*, run: ScheduleRun, reason: str, also: Sequence[MarketOffer] = ()) -> int:
    """Revoke the site's open offers that were made with an earlier plan of the time of `run`, and make new ones.

    New ones are made for what had offers, and for what `also` were about, and put on the market. Returns how many
    there are; doing it again changes nothing.
    """
    if MarketOffer.objects.filter(run=run).exists():
        return 0
    rows = MarketOffer.objects.filter(organization=run.organization_id, site=run.site_id, run__start=run.start)
    open_states = [state.value for state in OPEN]
    standing = list(rows.filter(state__in=open_states).exclude(run=run).select_related("product", "asset"))
    wanted: dict[MarketProduct, set[str]] = {}
    for each in [*standing, *also]:
        wanted.setdefault(each.product, set()).add(each.asset.name if each.asset else SITE)
    with transaction.atomic():
        change_state(organization=run.organization, offers=standing, state=OfferState.REVOKED, reason=reason)
        made = [offer for product, subjects in wanted.items() for offer in _made(run, product, subjects)]
        if made:
            submit(organization=run.organization, offers=made)
    return len(made)


def _made(run: ScheduleRun, product: MarketProduct, subjects: set[str]) -> list[MarketOffer]:
    try:
        return make_offers(run=run, product=product, wanted=Wanted(subjects=sorted(subjects)))
    except (OfferError, ValidationError) as error:
        log.warning("Run %s has no new offers for %s: %s", run.pk, product, error)
        return []
