"""The charts of an offer and of an order: what was planned, what is called, what the new plan makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import numpy as np
from django.utils.translation import gettext as _

from assets.appearance import LINE_COLOUR, OTHER_COLOUR
from flexmarket.models import MarketOffer, Order
from flexplatform.portal.charts import Chart, ChartPage, ChartSeries
from optimization.charts import MEASURED_COLOUR, SIGN_NOTE
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from telemetry.measured import means_of_site

GRID, POWER = "grid_power_kw", "power_kw"
Power = tuple[str, str]


@dataclass(frozen=True)
class Steps:
    """The steps that a chart shows."""

    start: datetime
    step_seconds: int
    count: int

    @property
    def step(self) -> timedelta:
        """Length of a step."""
        return timedelta(seconds=self.step_seconds)

    def empty(self) -> Series:
        """Return a gap in every step."""
        return np.full(self.count, np.nan)

    def place(self, into: Series, start: datetime, values: Sequence[float] | Series) -> Series:
        """Write values that begin at `start` into a series of these steps, as far as they lie in it."""
        first = round((start - self.start) / self.step)
        index = first + np.arange(len(values))
        inside = (index >= 0) & (index < self.count)
        into[index[inside]] = np.asarray(values)[inside]
        return into


def subject_of(offer: MarketOffer) -> Power:
    """Return whose power an offer changes: device ("" for the site) and quantity."""
    return (offer.asset.name, POWER) if offer.asset else ("", GRID)


def steps_of(offer: MarketOffer) -> Steps:
    """Return the steps of the plan that is an offer's baseline; its own where the offer lies outside of them."""
    run = offer.run
    if run is not None and run.step_seconds == offer.step_seconds and run.start <= offer.start < run.horizon.end:
        return Steps(run.start, run.step_seconds, run.count)
    return Steps(offer.start, offer.step_seconds, offer.count)


def offer_chart(offer: MarketOffer) -> ChartPage:
    """Return the promised power, the power with the whole call, and what the call moves afterwards."""
    steps, subject = steps_of(offer), subject_of(offer)
    plan = planned_powers(steps, [offer.run] if offer.run else [], [subject])
    return chart_of_offer(offer, steps, plan.get((offer.run_id or 0, *subject), steps.empty()))


def chart_of_offer(offer: MarketOffer, steps: Steps, plan: Series) -> ChartPage:
    """Return the chart of an offer over these steps, beside what is planned in them, kW."""
    baseline = steps.place(plan.copy(), offer.start, np.asarray(offer.baseline_kw))
    called = steps.place(baseline.copy(), offer.start, np.asarray(offer.baseline_kw) + np.asarray(offer.change_kw))
    after = steps.empty()
    if offer.rebound_kw is not None and len(np.asarray(offer.rebound_kw)):
        after = baseline + steps.place(steps.empty(), offer.end, np.asarray(offer.rebound_kw))
    series = [
        ChartSeries(label=_("Plan"), values=baseline, colour=LINE_COLOUR, style="steps"),
        ChartSeries(label=_("With the whole call"), values=called, colour=_colour(offer), style="band"),
    ]
    if not np.isnan(after).all():
        label = _("Expected after the call")
        series.append(ChartSeries(label=label, values=after, colour=OTHER_COLOUR, style="steps", dashed=True))
    title = _("Power of {owner}").format(owner=offer.owner)
    return chart_page(offer, steps, [Chart(name="power", title=title, unit="kW", series=series, note=str(SIGN_NOTE))])


def order_charts(order: Order) -> ChartPage:
    """Return plan, call, new plan and measurement in one chart; of a device the grid power in another."""
    offer = order.offer
    steps, subject = steps_of(offer), subject_of(offer)
    runs = [run for run in (offer.run, order.run) if run is not None]
    site: Power = ("", GRID)
    wanted = list(dict.fromkeys([subject, site]))
    plans = planned_powers(steps, runs, wanted)
    measured = _measured(offer, steps)
    charts = [_order_chart(order, steps, subject, plans, measured, call=True)]
    if subject != site:
        charts.append(_order_chart(order, steps, site, plans, measured, call=False))
    return chart_page(offer, steps, charts)


def _order_chart(
    order: Order,
    steps: Steps,
    subject: Power,
    plans: Mapping[tuple[int, str, str], Series],
    measured: Mapping[Power, Series],
    *,
    call: bool,
) -> Chart:
    offer = order.offer
    before = plans.get((offer.run_id or 0, *subject), steps.empty())
    called = None
    if call:
        before = steps.place(before.copy(), offer.start, np.asarray(offer.baseline_kw))
        called = steps.place(before.copy(), offer.start, np.asarray(offer.baseline_kw) + np.asarray(order.change_kw))
    name, words, owner = ("power", _("Power of {owner}"), offer.owner)
    if not call:
        name, words, owner = ("grid", _("Grid power of {owner}"), str(offer.site))
    return chart_of_call(
        offer,
        name,
        words.format(owner=owner),
        before=before,
        called=called,
        after=plans.get((order.run_id or 0, *subject)),
        measured=measured.get(subject),
    )


def chart_of_call(
    offer: MarketOffer,
    name: str,
    title: str,
    *,
    before: Series,
    called: Series | None,
    after: Series | None,
    measured: Series | None,
) -> Chart:
    """Return plan, call, new plan and measurement in one chart; what there is not is left out."""
    series = [ChartSeries(label=_("Plan before"), values=before, colour=OTHER_COLOUR, style="steps", dashed=True)]
    if called is not None:
        series.append(ChartSeries(label=_("The call"), values=called, colour=_colour(offer), style="band"))
    if after is not None:
        series.append(ChartSeries(label=_("New plan"), values=after, colour=LINE_COLOUR, style="steps"))
    if measured is not None:
        series.append(ChartSeries(label=_("Measured"), values=measured, colour=MEASURED_COLOUR, style="steps"))
    return Chart(name=name, title=title, unit="kW", series=series, note=str(SIGN_NOTE))


def planned_powers(
    steps: Steps, runs: Sequence[ScheduleRun], wanted: Sequence[Power]
) -> dict[tuple[int, str, str], Series]:
    """Return planned powers by run, device and quantity, on the steps of the chart; one query."""
    known = {run.pk: run for run in runs if run.step_seconds == steps.step_seconds}
    if not known:
        return {}
    rows = ScheduleSeries.objects.filter(
        run__in=list(known),
        role=ScheduleSeries.Role.PLAN,
        device__in={device for device, _ in wanted},
        quantity__in={quantity for _, quantity in wanted},
    )
    return {
        (row.run_id, row.device, row.quantity): steps.place(
            steps.empty(), known[row.run_id].start, cast("Series", row.values)
        )
        for row in rows
    }


def _measured(offer: MarketOffer, steps: Steps) -> dict[Power, Series]:
    """Return what was measured so far, by device and quantity."""
    if offer.site is None:
        return {}
    found = means_of_site(offer.site, steps.start, steps.step_seconds, steps.count, (GRID, POWER))
    return {(device, name): values for device, of in found.items() for name, values in of.items()}


def _colour(offer: MarketOffer) -> str:
    return f"--fp-{offer.direction}"


def chart_page(offer: MarketOffer, steps: Steps, charts: list[Chart]) -> ChartPage:
    """Return charts over these steps in the time zone of an offer."""
    return ChartPage(
        start=steps.start, step_seconds=steps.step_seconds, count=steps.count, zone=offer.zone.key, charts=charts
    )
