"""The market after a plan has changed: offers of the old plan go at once, those that the new plan allows come later."""

import logging
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from flexmarket.engine.errors import OfferError
from flexmarket.engine.market.states import OPEN, OfferState
from flexmarket.engine.offer import OfferSet
from flexmarket.models import MarketOffer, MarketProduct
from flexmarket.trading.joint_offering import withdraw_joint_offers
from flexmarket.trading.lifecycle import change_state, submit
from flexmarket.trading.offering import SITE, Wanted, offers_for, store_offers
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work
from optimization.models import ScheduleRun

log = logging.getLogger(__name__)

OFFER_ANEW = "offer_anew"


@transaction.atomic
def withdraw_old_offers(*, run: ScheduleRun, reason: str, also: Sequence[MarketOffer] = ()) -> Job | None:
    """Revoke the site's open offers that were made with an earlier plan of the time of `run`, and ask for new ones.

    New ones are made for what had offers, and for what `also` were about, by the job that is returned. It waits until
    nobody waits for anything else, so that many orders at once are activated first. Offers of the site's portfolio that
    rest on an earlier plan go too. Doing it again changes nothing.
    """
    key = f"offer-anew-{run.pk}"
    known = Job.objects.filter(organization=run.organization_id, kind=OFFER_ANEW, idempotency_key=key).first()
    if known is not None:
        return known
    rows = MarketOffer.objects.filter(
        organization=run.organization_id, site=run.site_id, run__start=run.start, part_of=None
    )
    open_states = [state.value for state in OPEN]
    # Held, so that none of them is ordered meanwhile.
    held = rows.select_for_update(of=("self",)).order_by("pk")
    standing = list(held.filter(state__in=open_states).exclude(run=run).select_related("asset"))
    wanted: dict[str, set[str]] = {}
    for each in [*standing, *also]:
        wanted.setdefault(str(each.product_id), set()).add(each.asset.name if each.asset else SITE)
    change_state(organization=run.organization, offers=standing, state=OfferState.REVOKED, reason=reason)
    earlier = ScheduleRun.objects.filter(site=run.site_id, start=run.start).exclude(pk=run.pk).values("pk")
    withdraw_joint_offers(organization=run.organization, runs=earlier, reason=reason)
    if not wanted:
        return None
    return enqueue(
        organization=run.organization,
        kind=OFFER_ANEW,
        title=f"Offer {run.site.name} anew",
        input={"run": run.pk, "wanted": {product: sorted(names) for product, names in wanted.items()}},
        idempotency_key=key,
    )


def offer_anew(work: Work) -> dict[str, Any]:
    """Do a job of kind `offer_anew`: make what the plan of a run allows, and put it on the market.

    Where there is a newer plan already, its own job makes the offers.
    """
    run = ScheduleRun.objects.select_related("site", "organization").filter(pk=work.input["run"]).first()
    if run is None:
        raise JobError("The plan does not exist any more.")
    work.report(0.05, "Quantifying what can be held")
    products = MarketProduct.objects.in_bulk([int(pk) for pk in work.input["wanted"]])
    wanted = [(products[int(pk)], Wanted(subjects=names)) for pk, names in work.input["wanted"].items()]
    # Before the transaction, as it takes seconds and others want to write meanwhile.
    found = [(product, each, _sets(run, product, each)) for product, each in wanted]
    with work.writing():
        if MarketOffer.objects.filter(run=run, part_of=None).exists() or not _is_newest(run):
            return {"run": run.pk, "offers": 0}
        made = [
            offer
            for product, each, sets in found
            for offer in store_offers(run=run, product=product, sets=sets, wanted=each)
        ]
        if made:
            submit(organization=run.organization, offers=made)
    return {"run": run.pk, "offers": len(made)}


def _is_newest(run: ScheduleRun) -> bool:
    return ScheduleRun.objects.filter(site=run.site_id, start=run.start).latest() == run


def _sets(run: ScheduleRun, product: MarketProduct, wanted: Wanted) -> list[OfferSet]:
    try:
        return offers_for(run=run, product=product, wanted=wanted)
    except (OfferError, ValidationError) as error:
        log.warning("Run %s has no new offers for %s: %s", run.pk, product, error)
        return []
