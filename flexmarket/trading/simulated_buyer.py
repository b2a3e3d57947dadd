"""A buyer for the demo: calls offers of an organization one after the other, as a grid operator might."""

from datetime import timedelta
from random import Random

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from assets.models import Site
from flexmarket.engine.market.states import OfferState
from flexmarket.models import MarketOffer, MarketProduct, Order
from flexmarket.trading.offering import Wanted
from flexmarket.trading.ordering import place_order
from flexmarket.trading.tasks import request_offers
from flexplatform.accounts.models import Organization
from flexplatform.jobs.models import Job
from optimization.models import ScheduleRun

AHEAD = timedelta(minutes=45)
MOST_SITES = 3
REFERENCE = "SIM-{moment:%Y%m%d-%H%M%S}"


def offer_today(*, organization: Organization, product: MarketProduct) -> list[Job]:
    """Ask for offers of the first sites whose plan runs now and has none yet; once per plan."""
    now = timezone.now()
    newest = ScheduleRun.objects.filter(site=OuterRef("pk"), start__lte=now).order_by("-start", "-created_at", "-id")
    sites = Site.objects.filter(organization=organization, assets__kind="battery").distinct().order_by("name")
    runs = sites.values(newest=Subquery(newest.values("pk")[:1]))[:MOST_SITES]
    found = ScheduleRun.objects.filter(pk__in=[row["newest"] for row in runs]).select_related("site", "organization")
    offered = set(MarketOffer.objects.filter(run__in=found).values_list("run", flat=True))
    return [
        request_offers(
            run=run,
            product=product,
            wanted=Wanted(),
            submitted=True,
            idempotency_key=f"simulated-{run.pk}-{product.pk}",
        )
        for run in found
        if run.pk not in offered and run.horizon.end > now
    ]


def buy_next(*, organization: Organization, random: Random) -> Order | None:
    """Order one of the next offers whose site has no call in hand; None where there is none.

    Raises:
        OrderRefused: where the offer went away meanwhile.
    """
    now = timezone.now()
    busy = Order.objects.filter(organization=organization, state__in=[Order.State.ACCEPTED, Order.State.ACTIVATED])
    called = {each.offer.site_id for each in busy.select_related("offer") if each.offer.end > now}
    open_offers = MarketOffer.objects.filter(
        organization=organization,
        state=OfferState.SUBMITTED,
        portfolio=None,
        part_of=None,
        gate_closes_at__gt=now + timedelta(seconds=30),
        start__lt=now + AHEAD,
    ).exclude(site__in=called)
    by_site: dict[int | None, list[MarketOffer]] = {}
    for offer in open_offers.order_by("start", "id"):
        by_site.setdefault(offer.site_id, []).append(offer)
    if not by_site:
        return None
    choices = by_site[random.choice(sorted(by_site, key=str))]
    first = [each for each in choices if each.start == choices[0].start]
    best = max(first, key=lambda each: each.energy_kwh)
    reference = REFERENCE.format(moment=now)
    return place_order(
        organization=organization, offer=best.pk, reference=reference, request={"power_kw": float(best.power_kw)}
    )
