"""Pages of orders: the list, a file with many, and one order from the call to its delivery."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from flexmarket.engine.baselines import BaselineError
from flexmarket.engine.market.states import StateError
from flexmarket.engine.settlement import delivered
from flexmarket.models import Delivery, MarketOffer, Order
from flexmarket.settlement.evidence import channel_of
from flexmarket.settlement.metering import LATEST_READINGS, meter_order
from flexmarket.trading.charts import order_charts, subject_of
from flexmarket.trading.forms import OrderFileForm, OrderFilter
from flexmarket.trading.joint_charts import joint_order_charts, parts_of, steps_together
from flexmarket.trading.order_files import COLUMNS, upload_orders
from flexmarket.trading.queries import made_after, newest_deliveries, revoked_by, setpoints_of
from flexplatform.accounts import permissions
from flexplatform.jobs.queries import may_cancel
from flexplatform.portal.charts import CHART_SCRIPTS
from flexplatform.portal.views import FragmentMixin, OrganizationMixin
from optimization.engine.series import Series
from telemetry.measured import means_of_site
from telemetry.series_files import FileProblem

STYLES = ("flexmarket/flexmarket.css",)


class OrderList(OrganizationMixin, ListView):
    """Orders, newest first."""

    permission = permissions.VIEW_OFFERS
    template_name = "flexmarket/orders.html"
    context_object_name = "orders"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Order]:
        """Return what the filter asks for."""
        self.form = OrderFilter(self.request.GET)
        rows = Order.objects.filter(organization=self.organization, part_of=None)
        related = ("offer__product", "offer__site", "offer__asset", "offer__portfolio")
        series = ("change_kw", "offer__change_kw", "offer__baseline_kw", "offer__rebound_kw")
        return self.form.applied(rows).select_related(*related).defer(*series)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the orders and whether the member may place some."""
        shown = {
            "form": self.form,
            "filtered": any(self.request.GET.get(name) for name in self.form.fields),
            "may_order": self.tenant_request.membership.may(permissions.PLACE_ORDERS),
        }
        return super().get_context_data(**{**kwargs, **shown})


class UploadOrders(OrganizationMixin, TemplateView):
    """Takes a file with orders and answers each row."""

    permission = permissions.PLACE_ORDERS
    template_name = "flexmarket/orders_upload.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form, and the answers where there are some."""
        return super().get_context_data(**{"form": OrderFileForm(), "columns": COLUMNS, **kwargs})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Place the orders and show what became of each."""
        form = OrderFileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        try:
            answers = upload_orders(organization=self.organization, data=form.content())
        except FileProblem as problem:
            context = self.get_context_data(form=form, problems=problem.found)
            return self.render_to_response(context, status=422)
        taken = sum(answer.order is not None for answer in answers)
        context = self.get_context_data(answers=answers, taken=taken, refused=len(answers) - taken)
        return self.render_to_response(context, status=200 if taken == len(answers) else 422)


class OrderMixin(OrganizationMixin):
    """Finds the order of the address within the organization."""

    permission = permissions.VIEW_OFFERS

    def order(self) -> Order:
        """Return the order; one of another organization does not exist here."""
        offer = ("product", "site", "portfolio", "asset", "run__site")
        related = ("run__site", "job__organization", "part_of", *(f"offer__{name}" for name in offer))
        return get_object_or_404(
            Order.objects.filter(organization=self.organization).select_related(*related), pk=self.kwargs["order"]
        )


class OrderPage(FragmentMixin, OrderMixin, TemplateView):
    """One order: its activation, plans and call in one chart, set-points, delivery, and what it did to others.

    Table and chart are brought up to date from the activation until the last readings of the call.
    """

    template_name = "flexmarket/order.html"
    fragment_name = "flexmarket/order_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the order; what changes by itself is in the fragment."""
        order, membership, now = self.order(), self.tenant_request.membership, timezone.now()
        offer, job = order.offer, order.job
        parts = parts_of(order) if offer.is_joint else []
        running = any(each is not None and not each.finished for each in [job, *(part.job for part in parts)])
        watched = order.activated_at is not None and now < offer.end + LATEST_READINGS
        delivery = Delivery.objects.filter(order=order).order_by("-version").first()
        revoked, made = revoked_by(order), made_after(order)
        shown = {
            "order": order,
            "offer": offer,
            "job": job,
            "may_cancel": job is not None and may_cancel(job, membership),
            "running": running,
            "parts": parts,
            "watched": watched,
            "watched_until": offer.end + LATEST_READINGS,
            "delivering": watched and offer.start <= now,
            "steps": called_steps(order, now, parts),
            "channel": channel_of(offer) if offer.site else None,
            "setpoints": setpoints_of(order),
            "part_rows": part_rows(parts),
            "delivery": delivery,
            "delivered": delivered_steps(order, delivery) if delivery else [],
            "revoked": revoked,
            "made": made,
            "others_shown": [(revoked, _("Revoked")), (made, _("Made anew, with the new plan"))],
            "may_meter": membership.may(permissions.CLOSE_SETTLEMENT) and offer.end <= now,
            "scripts": CHART_SCRIPTS,
            "styles": STYLES,
        }
        return super().get_context_data(**{**kwargs, **shown})

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Answer page or part; once the activation has ended, the page is loaded a last time for its chart."""
        response = super().render_to_response(context, **kwargs)
        if self.request.headers.get("HX-Request") and "running" in self.request.GET and not context["running"]:
            response["HX-Refresh"] = "true"
        return response


class OrderCharts(OrderMixin):
    """The charts of an order as JSON."""

    def get(self, _request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws."""
        order = self.order()
        page = joint_order_charts(order) if order.offer.is_joint else order_charts(order)
        return JsonResponse(page.as_json())


class MeterOrder(OrderMixin):
    """Meters a call that is over, from the readings that there are now."""

    permission = permissions.CLOSE_SETTLEMENT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Meter it, or say what is missing for that."""
        order = self.order()
        try:
            if timezone.now() < order.offer.end:
                raise BaselineError(_("The call is not over yet."))
            delivered = [meter_order(order=each) for each in (parts_of(order) if order.offer.is_joint else [order])]
        except (BaselineError, StateError, LookupError) as error:
            messages.error(request, _("It could not be metered: {reason}").format(reason=error))
        else:
            version = max((each.version for each in delivered), default=0)
            messages.success(request, _("Metered: version %(version)d.") % {"version": version})
        return redirect("order", self.organization.slug, order.pk)


def part_rows(parts: Sequence[Order]) -> list[tuple[Order, Delivery | None]]:
    """Return the orders of a portfolio's sites with what each delivered."""
    known = newest_deliveries(parts)
    return [(part, known.get(part.pk)) for part in parts]


def called_steps(order: Order, now: datetime, parts: Sequence[Order] = ()) -> list[dict[str, Any]]:
    """Return each step of the call: its start, baseline, wanted and measured power, kW (None where not measured).

    Those of a portfolio's order are what its called sites do together.
    """
    offer = order.offer
    if parts:
        columns = steps_together(order, parts)
    else:
        baseline = np.asarray(offer.baseline_kw)
        columns = (baseline, baseline + np.asarray(order.change_kw), _measured_steps(offer, now))
    step = timedelta(seconds=offer.step_seconds)
    return [
        {
            "start": offer.start + index * step,
            "baseline_kw": float(baseline),
            "wanted_kw": float(wanted),
            "measured_kw": None if np.isnan(power) else float(power),
            "now": offer.start + index * step <= now < offer.start + (index + 1) * step,
        }
        for index, (baseline, wanted, power) in enumerate(zip(*columns, strict=True))
    ]


def _measured_steps(offer: MarketOffer, now: datetime) -> Series:
    device, quantity = subject_of(offer)
    nothing = np.full(offer.count, np.nan)
    if offer.site is None or offer.start > now:
        return nothing
    found = means_of_site(offer.site, offer.start, offer.step_seconds, offer.count, (quantity,))
    return found.get(device, {}).get(quantity, nothing)


def delivered_steps(order: Order, delivery: Delivery) -> list[dict[str, Any]]:
    """Return each step of a metered call: ordered, delivered and missing energy, kWh."""
    offer: MarketOffer = order.offer
    baseline, measured = np.asarray(delivery.baseline_kw), np.asarray(delivery.measured_kw)
    steps = delivered(np.asarray(order.change_kw), baseline, measured, offer.step_seconds / 3600)
    return [
        {
            "start": offer.start + index * timedelta(seconds=offer.step_seconds),
            "baseline_kw": float(baseline[index]),
            "measured_kw": None if np.isnan(measured[index]) else float(measured[index]),
            "step": step,
        }
        for index, step in enumerate(steps)
    ]
