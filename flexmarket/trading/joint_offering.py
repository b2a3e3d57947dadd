"""Offers of a portfolio: what its sites can give together, on one price ladder, with a part for each site."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.core.exceptions import ValidationError

from assets.models import Portfolio
from flexmarket.board.selection import Wanted as Selection
from flexmarket.board.selection import newest_runs
from flexmarket.engine.errors import OfferError
from flexmarket.engine.exact import OfferTerms
from flexmarket.engine.market.joint import Ladder, ladder, split, together
from flexmarket.engine.market.states import OPEN, OfferState
from flexmarket.engine.offer import WATT_KW, Direction, floor_power
from flexmarket.models import MarketOffer, MarketProduct
from flexmarket.trading.lifecycle import change_state, submit
from flexmarket.trading.offering import SITE, Wanted, decimal, parts_of, price_rows, quantified, terms_of
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from flexplatform.jobs.errors import JobError
from flexplatform.jobs.models import Job
from flexplatform.jobs.registry import Priority
from flexplatform.jobs.services import enqueue
from flexplatform.jobs.work import Work, execute_next
from optimization.engine import Horizon
from optimization.engine.series import Series
from optimization.models import ScheduleRun

OFFER_PORTFOLIO = "offer_portfolio"
# Each takes a worker seconds.
MOST_SITES = 50
MADE_ANEW = "The portfolio was offered anew."
Call = tuple[str, datetime, int, int]


@dataclass(frozen=True, kw_only=True)
class JointWanted:
    """What shall be offered of a portfolio: its plans of a local day, in these directions, at most `limit_kw`."""

    portfolio: Portfolio
    product: MarketProduct
    day: date
    directions: Collection[str] = tuple(Direction)
    limit_kw: float | None = None


def request_joint_offers(
    *, organization: Organization, wanted: JointWanted, submitted: bool, idempotency_key: str = ""
) -> Job:
    """Return the job that makes the offers of a portfolio, and puts them on the market if `submitted`.

    Raises:
        ValidationError: for a portfolio or product of another organization, a limit that is none, or a day without
            plans or with too many.
        JobConflictError: when the key belongs to another request.
    """
    for name in ("portfolio", "product"):
        if getattr(wanted, name).organization_id != organization.pk:
            raise ValidationError({name: f"{name} is {getattr(wanted, name).pk}; allowed: one of the organization."})
    if wanted.limit_kw is not None and not 0 < wanted.limit_kw < float("inf"):
        raise ValidationError({"limit_kw": f"limit_kw is {wanted.limit_kw}; allowed: a number above 0."})
    found = len(_runs(organization, wanted.portfolio, wanted.day))
    if not 1 <= found <= MOST_SITES:
        allowed = f"a day with plans of 1 to {MOST_SITES} sites of {wanted.portfolio}"
        raise ValidationError({"day": f"day is {wanted.day}, with plans of {found}; allowed: {allowed}."})
    return enqueue(
        organization=organization,
        kind=OFFER_PORTFOLIO,
        title=f"Offer {wanted.portfolio.name} on {wanted.product.name}",
        input={
            "portfolio": wanted.portfolio.pk,
            "product": wanted.product.pk,
            "day": wanted.day.isoformat(),
            "directions": sorted(wanted.directions),
            "limit_kw": wanted.limit_kw,
            "submitted": submitted,
        },
        idempotency_key=idempotency_key,
    )


def make_joint_offers(work: Work) -> dict[str, Any]:
    """Do a job of kind `offer_portfolio`: a site that cannot be quantified is left out and named.

    What is made takes the place of what is open of the same portfolio, product, day and directions.

    Raises:
        JobError: where no site could be.
    """
    wanted = _wanted(work)
    group = f"portfolio-{wanted.portfolio.pk}-{work.job.pk}"
    if known := MarketOffer.objects.filter(organization=work.organization, exclusive_group=group).count():
        return {"offers": known}
    runs = _runs(work.organization, wanted.portfolio, wanted.day)
    # Before the transaction, as it takes seconds for a site and others want to write meanwhile.
    parts, failed = _parts_of_sites(work, wanted, runs)
    if failed and len(failed) == len(runs):
        raise JobError(" ".join(failed))
    with work.writing():
        current = {run.pk for run in _runs(work.organization, wanted.portfolio, wanted.day)}
        failed += [f"{run.site.name}: its plan was renewed meanwhile." for run in runs if run.pk not in current]
        parts = [part for part in parts if part.run_id in current]
        earlier = _open_offers(wanted)
        made = store_joint_offers(wanted=wanted, parts=parts, group=group, job=work.job)
        if made:
            change_state(organization=work.organization, offers=earlier, state=OfferState.REVOKED, reason=MADE_ANEW)
        if work.input["submitted"] and made:
            submit(organization=work.organization, offers=made)
    return {"offers": len(made), "sites": len(runs) - len(failed), "failed": failed}


def store_joint_offers(*, wanted: JointWanted, parts: Iterable[MarketOffer], group: str, job: Job) -> list[MarketOffer]:
    """Store a joint offer for each call that sites have parts of, and its parts, inside a transaction.

    Left out is what is too small for the product, or whose gate has closed.
    """
    by_call: dict[Call, list[MarketOffer]] = defaultdict(list)
    for each in parts:
        by_call[each.direction, each.start, each.step_seconds, each.count].append(each)
    wholes: list[MarketOffer] = []
    chosen: list[list[MarketOffer]] = []
    for rows in by_call.values():
        joint = together({index: row.part for index, row in enumerate(rows)}, wanted.limit_kw)
        taken = [rows[index] for index in sorted(joint)]
        whole = _whole(wanted, taken, group, job) if taken else None
        if whole is not None:
            wholes.append(whole)
            chosen.append(taken)
    made = MarketOffer.objects.bulk_create(wholes, batch_size=500)
    for whole, taken in zip(made, chosen, strict=True):
        for row in taken:
            row.part_of = whole
    MarketOffer.objects.bulk_create([row for taken in chosen for row in taken], batch_size=500)
    if made:
        after = {"product": wanted.product.name, "day": wanted.day.isoformat(), "offers": len(made)}
        organization = wanted.portfolio.organization
        audit.record(organization=organization, action="market_offer.make", instance=wanted.portfolio, after=after)
    return made


def withdraw_joint_offers(
    *, organization: Organization, runs: Any, reason: str, also: Sequence[MarketOffer] = ()
) -> list[Job]:
    """Revoke open offers of portfolios that rest on these plans, and have those that were on the market made anew.

    So are those that `also` were made with. Making them waits until no other work does; one job for it is enough.
    """
    open_states = [state.value for state in OPEN]
    parts = MarketOffer.objects.filter(part_of__isnull=False, run__in=runs, state__in=open_states)
    rows = MarketOffer.objects.filter(organization=organization, pk__in=parts.values("part_of"), state__in=open_states)
    found = list(rows.only("pk", "state", "versions", "portfolio", "part_of"))
    if found:
        change_state(organization=organization, offers=found, state=OfferState.REVOKED, reason=reason)
    sold = [each for each in found if each.state == OfferState.SUBMITTED]
    makers = {each.versions.get("job") for each in [*sold, *also]}
    if not makers:
        return []
    return [_made_anew(job) for job in Job.objects.filter(organization=organization, pk__in=makers - {None})]


def _made_anew(job: Job) -> Job:
    asked = {**job.input, "submitted": True}
    same = {f"input__{name}": asked[name] for name in ("portfolio", "product", "day")}
    waiting = Job.objects.filter(organization=job.organization_id, kind=OFFER_PORTFOLIO, status=Job.Status.QUEUED)
    found = waiting.filter(**same).first()
    if found is not None:
        return found
    return enqueue(organization=job.organization, kind=OFFER_PORTFOLIO, title=job.title, input=asked)


def _wanted(work: Work) -> JointWanted:
    asked = work.input
    portfolio = Portfolio.objects.select_related("organization").filter(pk=asked["portfolio"]).first()
    product = MarketProduct.objects.filter(pk=asked["product"]).first()
    if portfolio is None or product is None:
        raise JobError("The portfolio or the product does not exist any more.")
    day = date.fromisoformat(asked["day"])
    return JointWanted(
        portfolio=portfolio, product=product, day=day, directions=asked["directions"], limit_kw=asked["limit_kw"]
    )


def _open_offers(wanted: JointWanted) -> list[MarketOffer]:
    """Return the open offers that those which are made now take the place of."""
    day = Horizon.market_day(wanted.day, ZoneInfo(wanted.portfolio.time_zone))
    rows = MarketOffer.objects.filter(
        portfolio=wanted.portfolio,
        product=wanted.product,
        direction__in=list(wanted.directions),
        state__in=[state.value for state in OPEN],
        start__gte=day.start,
        start__lt=day.end,
    )
    return list(rows.only("pk", "state", "portfolio", "part_of"))


def _runs(organization: Organization, portfolio: Portfolio, day: date) -> Sequence[ScheduleRun]:
    """Return the newest plan of the day of each site of the portfolio."""
    selection = Selection(day=day, zone=ZoneInfo(portfolio.time_zone), portfolio=portfolio.pk)
    rows = ScheduleRun.objects.filter(pk__in=newest_runs(organization, selection))
    return list(rows.select_related("site", "organization").order_by("site__name", "pk"))


def _parts_of_sites(
    work: Work, wanted: JointWanted, runs: Sequence[ScheduleRun]
) -> tuple[list[MarketOffer], list[str]]:
    """Return what each site can give as a whole, not stored yet, and why some sites give nothing."""
    parts: list[MarketOffer] = []
    failed: list[str] = []
    for index, run in enumerate(runs):
        work.report(0.9 * index / len(runs), f"Quantifying {run.site.name}, {index + 1} of {len(runs)} sites")
        try:
            (found,) = quantified(run, _terms(wanted.product, run), Wanted(subjects=(SITE,)))
        except (OfferError, ValidationError) as error:
            text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            failed.append(f"{run.site.name}: {text}")
            continue
        parts += parts_of(run, wanted.product, found, Wanted(directions=wanted.directions))
        _let_others(work)
    return parts, failed


def _let_others(work: Work) -> None:
    """Do what people wait for, such as the activation of orders, between two sites of long work."""
    while execute_next(work.job.worker, Priority.NOW) is not None:
        work.report(0.0, "")


def _terms(product: MarketProduct, run: ScheduleRun) -> OfferTerms:
    """Return the product's terms for a part: what is too small alone is not too small together."""
    return replace(terms_of(product, timedelta(seconds=run.step_seconds)), least_power_kw=WATT_KW)


def _whole(wanted: JointWanted, parts: Sequence[MarketOffer], group: str, job: Job) -> MarketOffer | None:
    """Return the offer of all parts together, cut to the product; None where it is too small."""
    product, first = wanted.product, parts[0]
    by_index = {index: row.part for index, row in enumerate(parts)}
    most = ladder(by_index, wanted.limit_kw).power_kw
    power = floor_power(most, max(float(product.power_step_kw), WATT_KW))
    if power <= 0 or power < float(product.minimum_power_kw):
        return None
    joint = ladder(by_index, power)
    if joint.least_kw > power + WATT_KW / 2:
        return None
    powers = split(by_index, power)
    shares = {index: kw / float(parts[index].power_kw) for index, kw in powers.items()}
    return MarketOffer(
        organization_id=product.organization_id,
        product=product,
        portfolio=wanted.portfolio,
        method=first.method,
        direction=first.direction,
        start=first.start,
        step_seconds=first.step_seconds,
        count=first.count,
        **_amounts(product, joint, power, first.hours),
        cost_eur=sum((parts[index].cost_eur * decimal(share) for index, share in shares.items()), Decimal(0)),
        change_kw=_summed([np.asarray(parts[index].change_kw) * share for index, share in shares.items()]),
        baseline_kw=_summed([np.asarray(row.baseline_kw) for row in parts]),
        rebound_kw=_summed([np.asarray(parts[index].rebound_kw) * share for index, share in shares.items()]),
        exclusive_group=group,
        valid_until=first.valid_until,
        gate_closes_at=first.gate_closes_at,
        versions={"plans": sorted(row.run_id or 0 for row in parts), "job": job.pk},
    )


def _amounts(product: MarketProduct, joint: Ladder, power: float, hours: float) -> dict[str, Any]:
    whole = decimal(power)
    least = max(decimal(joint.least_kw), product.minimum_power_kw) if product.partial_calls else whole
    return {
        "power_kw": whole,
        "minimum_power_kw": min(least, whole),
        "power_step_kw": product.power_step_kw,
        "energy_kwh": decimal(power * hours),
        "prices": price_rows(joint.prices, power),
        "availability_price_per_kw_h": product.availability_price_per_kw_h,
    }


def _summed(series: Sequence[Series]) -> Series:
    """Return the sum of series that begin at the same time; a shorter one adds nothing after its end."""
    total = np.zeros(max(len(each) for each in series))
    for each in series:
        total[: len(each)] += each
    return total
