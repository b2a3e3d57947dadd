"""What the market brings: revenue, cost of activation, reliability, what is open, and what tomorrow may bring."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import DecimalField, ExpressionWrapper, F, Max, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from flexmarket.engine.market.states import OfferState
from flexmarket.models import Delivery, MarketOffer, Order
from flexplatform.accounts.models import Organization

RELIABILITY_DAYS = 90
SHARE_DAYS = 30
SECONDS_KEPT = 60
RUNNING = (Order.State.ACCEPTED, Order.State.ACTIVATED, Order.State.PARTLY)
# States of offers that were on the market; what was revoked for another one is in the group of that one.
ON_MARKET = frozenset(OfferState) - {OfferState.DRAFT, OfferState.VALIDATED}
NOTHING = Decimal(0)
Moment = tuple[datetime, datetime]


@dataclass(frozen=True)
class Reliability:
    """What a device or a site delivered of what was ordered, both in kWh."""

    site: str
    site_slug: str
    asset: str
    ordered_kwh: Decimal
    delivered_kwh: Decimal

    @property
    def share(self) -> Decimal | None:
        """Delivered share of the order; None where nothing was ordered."""
        return self.delivered_kwh / self.ordered_kwh if self.ordered_kwh else None


@dataclass(frozen=True, kw_only=True)
class Kpis:
    """The figures of an organization; amounts by currency."""

    month: date
    revenue: Mapping[str, Decimal]
    activation_cost_eur: Decimal
    reliability: Sequence[Reliability]
    open_kw: Mapping[str, Decimal]
    orders_running: int
    ordered_share: Decimal | None
    tomorrow: Mapping[str, Decimal]

    @property
    def delivered_share(self) -> Decimal | None:
        """Delivered share of all that was ordered."""
        ordered = sum((each.ordered_kwh for each in self.reliability), NOTHING)
        got = sum((each.delivered_kwh for each in self.reliability), NOTHING)
        return got / ordered if ordered else None

    @property
    def expected(self) -> Mapping[str, Decimal] | None:
        """Tomorrow's income by currency: what is on offer times the share that was ordered so far."""
        share = self.ordered_share
        return None if share is None else {name: amount * share for name, amount in self.tomorrow.items()}


def kpis_of(organization: Organization) -> Kpis:
    """Return the figures of an organization; a fixed number of queries, none while they are still known."""
    known = f"market-kpis:{organization.pk}"
    found: Kpis | None = cache.get(known)
    if found is None:
        found = counted(organization)
        cache.set(known, found, SECONDS_KEPT)
    return found


def counted(organization: Organization) -> Kpis:
    """Return the figures as they are now."""
    zone, now = ZoneInfo(organization.time_zone), timezone.now()
    today = now.astimezone(zone).date()
    month = today.replace(day=1)
    month_end = (month + timedelta(days=32)).replace(day=1)
    in_month = _deliveries(organization, _between(month, month_end, zone))
    lately = _deliveries(organization, (now - timedelta(days=RELIABILITY_DAYS), now))
    tomorrow = _between(today + timedelta(days=1), today + timedelta(days=2), zone)
    return Kpis(
        month=month,
        revenue=_revenue(in_month),
        activation_cost_eur=_activation_cost(in_month),
        reliability=_reliability(lately),
        open_kw=_open_power(organization),
        orders_running=Order.objects.filter(organization=organization, state__in=RUNNING, part_of=None).count(),
        ordered_share=_ordered_share(organization, now),
        tomorrow=_on_offer(organization, tomorrow),
    )


def _between(first: date, last: date, zone: ZoneInfo) -> Moment:
    return datetime.combine(first, time(), zone), datetime.combine(last, time(), zone)


def _deliveries(organization: Organization, when: Moment) -> "QuerySet[Delivery]":
    """Return the newest delivery of each order whose call began in a time."""
    newest = Delivery.objects.filter(order=OuterRef("order")).order_by("-version").values("pk")[:1]
    return Delivery.objects.filter(
        organization=organization,
        pk=Subquery(newest),
        order__offer__start__gte=when[0],
        order__offer__start__lt=when[1],
    ).order_by()


def _revenue(rows: "QuerySet[Delivery]") -> dict[str, Decimal]:
    found = rows.values_list("order__offer__product__currency").annotate(Sum("amount"))
    return dict(cast("Iterable[tuple[str, Decimal]]", found))


def _activation_cost(rows: "QuerySet[Delivery]") -> Decimal:
    """Return what the calls cost the owners: the cost of each offer, by the share of its power that was called."""
    called = ExpressionWrapper(
        F("order__offer__cost_eur") * F("order__power_kw") / F("order__offer__power_kw"),
        output_field=DecimalField(max_digits=18, decimal_places=6),
    )
    return Decimal(rows.aggregate(cost=Sum(called))["cost"] or 0)


def _reliability(rows: "QuerySet[Delivery]") -> list[Reliability]:
    names = ("order__offer__site__name", "order__offer__site__slug", "order__offer__asset__name")
    found = rows.exclude(order__offer__site=None).values_list(*names)
    sums = found.annotate(Sum("ordered_kwh"), Sum("delivered_kwh"))
    rated = [Reliability(site, slug, asset or "", ordered, got) for site, slug, asset, ordered, got in sums]
    return sorted(rated, key=lambda each: (each.share is None, each.share or NOTHING, each.site, each.asset))


def _open_power(organization: Organization) -> dict[str, Decimal]:
    """Return by direction what can be called at most of what is on the market: of alternatives the largest."""
    rows = MarketOffer.objects.filter(organization=organization, state=OfferState.SUBMITTED, part_of=None).order_by()
    total = dict.fromkeys(MarketOffer.Direction.values, NOTHING)
    grouped = rows.exclude(exclusive_group="").values_list("direction", "exclusive_group").annotate(Max("power_kw"))
    for direction, _group, power in grouped:
        total[direction] += power
    for direction, power in rows.filter(exclusive_group="").values_list("direction").annotate(Sum("power_kw")):
        total[direction] += power
    return total


def _ordered_share(organization: Organization, now: datetime) -> Decimal | None:
    """Return the share of the energy on offer that was ordered lately; of alternatives the largest counts as offered.

    None where nothing was on the market.
    """
    rows = MarketOffer.objects.filter(
        organization=organization,
        state__in=[state.value for state in ON_MARKET],
        part_of=None,
        gate_closes_at__gte=now - timedelta(days=SHARE_DAYS),
        gate_closes_at__lt=now,
    ).order_by()
    groups = rows.exclude(exclusive_group="").values("exclusive_group").annotate(most=Max("energy_kwh"))
    offered = sum((each["most"] for each in groups), NOTHING)
    offered += rows.filter(exclusive_group="").aggregate(total=Sum("energy_kwh"))["total"] or NOTHING
    part = ExpressionWrapper(
        F("energy_kwh") * F("order__power_kw") / F("power_kw"), DecimalField(max_digits=18, decimal_places=6)
    )
    ordered = Decimal(rows.filter(order__isnull=False).aggregate(total=Sum(part))["total"] or 0)
    return min(ordered / offered, Decimal(1)) if offered else None


def _on_offer(organization: Organization, when: Moment) -> dict[str, Decimal]:
    """Return by currency what the offers that start in a time would bring, of alternatives the dearest."""
    rows = MarketOffer.objects.filter(
        organization=organization,
        state=OfferState.SUBMITTED,
        part_of=None,
        start__gte=when[0],
        start__lt=when[1],
    ).order_by()
    columns = ("pk", "exclusive_group", "product__currency", "energy_kwh", "prices")
    best: dict[tuple[str, str], Decimal] = {}
    for pk, group, currency, energy, prices in cast("Iterable[Any]", rows.values_list(*columns).iterator()):
        key = (currency, group or str(pk))
        worth = energy * MarketOffer(prices=prices).mean_price
        best[key] = max(best.get(key, NOTHING), worth)
    total: dict[str, Decimal] = defaultdict(Decimal)
    for (currency, _group), worth in best.items():
        total[currency] += worth
    return dict(total)
