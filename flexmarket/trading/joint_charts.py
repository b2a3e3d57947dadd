"""What the sites of a portfolio's offer, or of its order, do together: sums of plans, calls and meters."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import numpy as np
from django.utils.translation import gettext as _

from flexmarket.models import MarketOffer, Order
from flexmarket.settlement.evidence import Meter, least_count
from flexmarket.trading.charts import GRID, Steps, chart_of_call, chart_of_offer, chart_page, planned_powers, steps_of
from flexplatform.portal.charts import ChartPage
from optimization.engine import Horizon
from optimization.engine.series import Series
from optimization.models import ScheduleRun
from telemetry.models import Channel, Rollup

SITE = ("", GRID)


def joint_offer_chart(offer: MarketOffer) -> ChartPage:
    """Return what the sites plan together, the whole call, and what it moves afterwards."""
    parts = list(MarketOffer.objects.filter(part_of=offer).select_related("run__site"))
    steps = steps_of(parts[0] if parts else offer)
    return chart_of_offer(offer, steps, _planned(steps, [part.plan for part in parts]))


def joint_order_charts(order: Order) -> ChartPage:
    """Return the plans of the called sites together, the call, the new plans and the meters."""
    parts = parts_of(order)
    steps = steps_of(parts[0].offer if parts else order.offer)
    before = _planned(steps, [part.offer.plan for part in parts])
    called = before.copy()
    for part in parts:
        called = _plus(called, steps, part)
    activated = any(part.run is not None for part in parts)
    after = _planned(steps, [part.run or part.offer.plan for part in parts]) if activated else None
    measured = meters_together([part.offer.site_id or 0 for part in parts], steps)
    chart = chart_of_call(
        order.offer,
        "power",
        _("Power of {owner}").format(owner=order.offer.owner),
        before=before,
        called=called,
        after=after,
        measured=None if np.isnan(measured).all() else measured,
    )
    return chart_page(order.offer, steps, [chart])


def parts_of(order: Order) -> list[Order]:
    """Return the orders of a portfolio's sites, by the name of the site; one query."""
    related = ("offer__site", "offer__run__site", "offer__product", "run__site", "job")
    return list(Order.objects.filter(part_of=order).select_related(*related).order_by("offer__site__name", "pk"))


def steps_together(order: Order, parts: Sequence[Order]) -> tuple[Series, Series, Series]:
    """Return baseline, wanted and measured power of the called sites together in the steps of a call, kW."""
    offer = order.offer
    baseline = _sum((np.asarray(part.offer.baseline_kw) for part in parts), offer.count)
    wanted = baseline + _sum((np.asarray(part.change_kw) for part in parts), offer.count)
    steps = Steps(offer.start, offer.step_seconds, offer.count)
    return baseline, wanted, meters_together([part.offer.site_id or 0 for part in parts], steps)


def meters_together(sites: Collection[int], steps: Steps) -> Series:
    """Return what the meters of sites measured together per step, kW; NaN where one of them says nothing; two queries.

    As for one site, a quarter-hour of which less than half was measured says nothing.
    """
    channels = {each.pk: each for each in Channel.objects.filter(site__in=sites, asset=None, quantity=GRID)}
    if not sites or len(channels) < len(set(sites)):
        return steps.empty()
    horizon = Horizon(steps.start, steps.step, steps.count)
    values: dict[int, dict[datetime, float]] = {pk: {} for pk in channels}
    rollups = Rollup.objects.filter(channel__in=channels, start__gte=steps.start, start__lt=horizon.end)
    for pk, moment, count, total in rollups.values_list("channel_id", "start", "count", "total"):
        if count >= least_count(channels[pk]):
            values[pk][moment] = total / count
    return _sum((Meter(channels[pk], found).over(horizon) for pk, found in values.items()), steps.count)


def _planned(steps: Steps, runs: Iterable[ScheduleRun]) -> Series:
    rows = list(runs)
    found = planned_powers(steps, rows, [SITE])
    known = [found[run.pk, *SITE] for run in rows if (run.pk, *SITE) in found]
    return _sum(known, steps.count) if known and len(known) == len(rows) else steps.empty()


def _plus(total: Series, steps: Steps, part: Order) -> Series:
    change = steps.place(np.zeros(steps.count), part.offer.start, np.asarray(part.change_kw))
    moved: Series = total + change
    return moved


def _sum(series: Iterable[Series], count: int) -> Series:
    total = np.zeros(count)
    for each in series:
        total = total + each
    return total
