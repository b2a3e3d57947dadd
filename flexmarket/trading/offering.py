"""Offers of a plan as a market's product takes them: quantified, cut to its sizes, stored as drafts."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from assets.models import Asset
from flexmarket.engine import exact
from flexmarket.engine.exact import OfferTerms
from flexmarket.engine.offer import WATT_KW, Direction, Offer, OfferSet, PriceStep
from flexmarket.models import MarketOffer, MarketProduct
from flexplatform.accounts import audit
from optimization.models import ScheduleRun
from optimization.queries import problem_of, schedule_of

# Durations that are offered where the product leaves room, in minutes.
DURATIONS = (15, 30, 60, 120, 240)
SITE = ""
MICRO = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What shall be offered: of these devices by name ("" is the whole site), in these directions."""

    subjects: Collection[str] = (SITE,)
    directions: Collection[str] = tuple(Direction)


def terms_of(product: MarketProduct, step: timedelta) -> OfferTerms:
    """Return a product's terms as the engine takes them.

    Raises:
        ValidationError: where no duration is a whole number of steps.
    """
    minutes = step / timedelta(minutes=1)
    lengths = {*DURATIONS, product.minimum_minutes}
    allowed = [each for each in lengths if product.minimum_minutes <= each <= product.maximum_minutes]
    steps = sorted({round(each / minutes) for each in allowed if each >= minutes and not each % minutes})
    if not steps:
        raise ValidationError(
            {"product": f"{product} lasts {product.minimum_minutes} to {product.maximum_minutes} minutes; "
                        f"allowed: a multiple of the plan's step of {minutes:g} minutes."}
        )  # fmt: skip
    return OfferTerms(
        durations=tuple(steps),
        margin_share=float(product.margin_share),
        margin_eur_per_kwh=float(product.margin_per_kwh),
        least_power_kw=max(float(product.minimum_power_kw), WATT_KW),
        rest=timedelta(minutes=product.rest_minutes),
        max_calls=max(product.most_calls_per_day, 1),
        availability_eur_per_kw_h=float(product.availability_price_per_kw_h),
        currency=product.currency,
    )


def make_offers(*, run: ScheduleRun, product: MarketProduct, wanted: Wanted | None = None) -> list[MarketOffer]:
    """Quantify what the plan of a run can do otherwise, and store what the product takes as drafts.

    Raises:
        ValidationError, OfferError: as `offers_for`.
    """
    wanted = wanted or Wanted()
    sets = offers_for(run=run, product=product, wanted=wanted)
    return store_offers(run=run, product=product, sets=sets, wanted=wanted)


def offers_for(*, run: ScheduleRun, product: MarketProduct, wanted: Wanted) -> list[OfferSet]:
    """Return what the plan of a run can do otherwise on the product's terms; takes seconds, and writes nothing.

    The plan must be the newest of its horizon.

    Raises:
        ValidationError: for a plan that is superseded, a subject that it does not have, or a product of another
            organization.
        OfferError: where the plan is none of the site as it is now.
    """
    if product.organization_id != run.organization_id:
        raise ValidationError({"product": f"product is {product.pk}; allowed: a product of the organization."})
    newest = ScheduleRun.objects.filter(site=run.site_id, start=run.start).order_by("-created_at", "-id").first()
    if newest != run:
        raise ValidationError(
            {"run": f"run is {run.pk}; allowed: the newest plan of its time ({newest and newest.pk})."}
        )
    return quantified(run, terms_of(product, timedelta(seconds=run.step_seconds)), wanted)


def quantified(run: ScheduleRun, terms: OfferTerms, wanted: Wanted) -> list[OfferSet]:
    """Return the offers of the wanted subjects by the exact method.

    Raises:
        ValidationError: for a subject that the plan does not have.
    """
    problem, plan = problem_of(run), schedule_of(run)
    made_from = exact.provenance(schedule=str(run.pk))
    if SITE in wanted.subjects:
        found = exact.offers_of_site(problem, plan, terms, made_from)
        by_name = {SITE: found.site, **found.devices}
    else:
        by_name = dict(exact.offers_of_devices(problem, plan, terms, made_from))
    missing = set(wanted.subjects) - set(by_name)
    if missing:
        allowed = ", ".join(sorted(name or "the site" for name in by_name))
        raise ValidationError({"devices": f"devices has {', '.join(sorted(missing))}; allowed: {allowed}."})
    return [by_name[name] for name in wanted.subjects]


@transaction.atomic
def store_offers(
    *, run: ScheduleRun, product: MarketProduct, sets: Iterable[OfferSet], wanted: Wanted
) -> list[MarketOffer]:
    """Store offers as drafts; those that are too small for the product, or whose gate has closed, are left out."""
    assets = {asset.name: asset for asset in Asset.objects.filter(site=run.site_id)}
    rows = [row for each in sets for row in _rows(run, product, each, assets, wanted)]
    made = MarketOffer.objects.bulk_create(rows, batch_size=500)
    after = {"run": run.pk, "product": product.name, "offers": len(made)}
    if made:
        audit.record(organization=run.organization, action="market_offer.make", instance=run, after=after)
    return made


def _rows(
    run: ScheduleRun, product: MarketProduct, offers: OfferSet, assets: dict[str, Asset], wanted: Wanted
) -> Iterator[MarketOffer]:
    asset = assets[offers.device] if offers.device else None
    step_kw = max(float(product.power_step_kw), WATT_KW)
    for offer in _in_time(offers, product, wanted):
        power = offer.sellable_kw(step_kw)
        if 0 < power >= float(product.minimum_power_kw):
            group = f"run-{run.pk}-{offers.device or 'site'}"[:100]
            yield _row(run, product, offers, offer, power, asset=asset, exclusive_group=group)


def parts_of(run: ScheduleRun, product: MarketProduct, offers: OfferSet, wanted: Wanted) -> Iterator[MarketOffer]:
    """Yield what a site as a whole can give of a portfolio's offers, in watts; not stored.

    Least power and steps of the product are those of the portfolio, not of its parts.
    """
    for offer in _in_time(offers, product, wanted):
        power = offer.sellable_kw(WATT_KW)
        if power > 0:
            part = _row(run, product, offers, offer, power)
            part.minimum_power_kw, part.power_step_kw = decimal(min(offer.least_power_kw, power)), Decimal(0)
            yield part


def _in_time(offers: OfferSet, product: MarketProduct, wanted: Wanted) -> Iterator[Offer]:
    """Yield the offers of the wanted directions whose gate is open."""
    now = timezone.now()
    for offer in offers:
        if offer.direction in wanted.directions and offer.start - product.gate_closure > now:
            yield offer


def _row(
    run: ScheduleRun, product: MarketProduct, offers: OfferSet, offer: Offer, power: float, **more: Any
) -> MarketOffer:
    gate = offer.start - product.gate_closure
    return MarketOffer(
        organization_id=run.organization_id,
        product=product,
        site=run.site,
        run=run,
        **_columns(offer, power, product),
        baseline_kw=_within(offers, offer),
        valid_until=gate,
        gate_closes_at=gate,
        versions={
            "plan": run.pk,
            "solver": offer.provenance.solver,
            "forecasts": sorted(_forecasts(run)),
            "baseline": offer.baseline_id,
        },
        **more,
    )


def _columns(offer: Offer, power: float, product: MarketProduct) -> dict[str, Any]:
    whole = decimal(power)
    least = max(decimal(offer.least_power_kw), product.minimum_power_kw) if product.partial_calls else whole
    return {
        "method": offer.provenance.method,
        "direction": offer.direction.value,
        "start": offer.start,
        "step_seconds": round(offer.step.total_seconds()),
        "count": offer.steps,
        "power_kw": whole,
        "minimum_power_kw": min(least, whole),
        "power_step_kw": product.power_step_kw,
        "energy_kwh": decimal(power * offer.hours),
        "prices": price_rows(offer.prices, power),
        "cost_eur": decimal(offer.marginal_eur * power / offer.power_kw),
        "availability_price_per_kw_h": product.availability_price_per_kw_h,
        "change_kw": offer.change_kw * (power / offer.power_kw),
        "rebound_kw": offer.rebound_kw * (power / offer.power_kw),
    }


def price_rows(prices: Iterable[PriceStep], power: float) -> list[list[float]]:
    """Return the price steps up to the power that is sold, euros rounded up: no call is sold below its cost."""
    kept: list[list[float]] = []
    for each in prices:
        kept.append([round(min(each.up_to_kw, power), 6), float(np.ceil(each.price_eur_per_kwh * 1e6 - 1e-3) / 1e6)])
        if each.up_to_kw >= power:
            break
    return kept


def _within(offers: OfferSet, offer: Offer) -> Any:
    first = round((offer.start - offers.horizon.start) / offers.horizon.step)
    return offers.baseline_kw[first : first + offer.steps]


def _forecasts(run: ScheduleRun) -> set[int]:
    used: Sequence[Any] = [each.get("forecasts", []) for each in run.input_sources.values() if isinstance(each, dict)]
    return {number for each in used for number in each}


def decimal(value: float) -> Decimal:
    """Return a number with six decimals."""
    return Decimal(repr(float(value))).quantize(MICRO)
