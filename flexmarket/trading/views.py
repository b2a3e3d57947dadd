"""Pages of offers on the market: the list, one offer, its order, and the making of offers from a plan."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import ListView, TemplateView

from flexmarket.engine.market.refusals import OrderRefused, Refusal
from flexmarket.engine.market.states import OPEN, OfferState, StateError
from flexmarket.live import JobOnPageMixin
from flexmarket.models import MarketOffer, Order
from flexmarket.trading import lifecycle
from flexmarket.trading.charts import offer_chart
from flexmarket.trading.forms import ChangeForm, MakeOffersForm, OfferFilter, OrderForm
from flexmarket.trading.joint_charts import joint_offer_chart
from flexmarket.trading.ordering import place_order
from flexmarket.trading.queries import history_of, listed_offers, sums_by_state
from flexmarket.trading.tasks import MAKE_OFFERS, request_offers
from flexplatform.accounts import permissions
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import new_key
from flexplatform.portal.charts import CHART_SCRIPTS
from flexplatform.portal.views import OrganizationMixin
from optimization.views import RunMixin

SELECTING = ("flexmarket/select.js",)


class MarketOffers(OrganizationMixin, ListView):
    """Offers on the market, the latest start first, with sums by state and what can be done with many at once."""

    permission = permissions.VIEW_OFFERS
    template_name = "flexmarket/market_offers.html"
    context_object_name = "offers"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[MarketOffer]:
        """Return what the filter asks for."""
        self.form = OfferFilter(self.organization, self.request.GET)
        self.form.is_valid()
        self.rows = MarketOffer.objects.filter(organization=self.organization, part_of=None)
        return listed_offers(self.form.applied(self.rows)).order_by("-start", "-pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the offers, the sums by state, and what the member may do."""
        sums = sums_by_state(self.form.applied(self.rows, any_state=True))
        shown = {
            "form": self.form,
            "filtered": any(self.request.GET.get(name) for name in self.form.fields),
            "sums": sums,
            "chosen": self.form.cleaned_data.get("state", ""),
            "run": self.form.cleaned_data.get("run"),
            "may_sell": self.tenant_request.membership.may(permissions.SELL_OFFERS),
            "open_states": [state.value for state in OPEN],
            "scripts": SELECTING,
        }
        return super().get_context_data(**{**kwargs, **shown})


class ChangeOffers(OrganizationMixin):
    """Submits or revokes many offers, all or none."""

    permission = permissions.SELL_OFFERS
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change them, or say why that cannot be; then show the list as it was filtered."""
        form = ChangeForm(request.POST.getlist("offers"), request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was changed: choose offers and what to do with them."))
        else:
            self._change(form)
        query = QueryDict(request.POST.get("back", "")[:500]).urlencode()
        address = reverse("market_offers", args=[self.organization.slug])
        return redirect(f"{address}?{query}" if query else address)

    def _change(self, form: ChangeForm) -> None:
        asked = form.cleaned_data
        offers = list(MarketOffer.objects.filter(organization=self.organization, pk__in=asked["offers"]).only("pk"))
        if len(offers) < len(set(asked["offers"])):
            messages.error(self.request, _("Nothing was changed: some of these offers do not exist."))
            return
        try:
            if asked["action"] == ChangeForm.SUBMIT:
                lifecycle.submit(organization=self.organization, offers=offers)
                said = ngettext("%(count)d offer is on the market.", "%(count)d offers are on the market.", len(offers))
            else:
                lifecycle.revoke(organization=self.organization, offers=offers, reason=asked["reason"].strip())
                said = ngettext("%(count)d offer was revoked.", "%(count)d offers were revoked.", len(offers))
        except (StateError, ValidationError) as error:
            text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            messages.error(self.request, _("Nothing was changed: {reason}").format(reason=text))
        else:
            messages.success(self.request, said % {"count": len(offers)})


class OfferMixin(OrganizationMixin):
    """Finds the offer of the address within the organization."""

    permission = permissions.VIEW_OFFERS

    def offer(self) -> MarketOffer:
        """Return the offer; one of another organization does not exist here."""
        related = ("product", "site", "portfolio", "asset", "run__site", "part_of")
        rows = MarketOffer.objects.filter(organization=self.organization).select_related(*related)
        return get_object_or_404(rows, pk=self.kwargs["offer"])


class OfferPage(OfferMixin, TemplateView):
    """One offer: its power against the baseline, prices, terms, history, and the form that orders it."""

    template_name = "flexmarket/market_offer.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the offer and the form."""
        offer: MarketOffer = kwargs.pop("offer_row", None) or self.offer()
        membership, alone = self.tenant_request.membership, offer.part_of_id is None
        initial = {"power_kw": float(offer.power_kw), "reference": f"{offer.reference}-{new_key()[:6]}"}
        shown = {
            "offer": offer,
            "order": Order.objects.filter(offer=offer).first(),
            "steps": _price_steps(offer),
            "parts": listed_offers(MarketOffer.objects.filter(part_of=offer)) if offer.is_joint else (),
            "history": history_of(offer),
            "form": kwargs.pop("form", None) or OrderForm(initial=initial),
            "may_order": membership.may(permissions.PLACE_ORDERS) and offer.state == OfferState.SUBMITTED and alone,
            "may_sell": membership.may(permissions.SELL_OFFERS) and alone,
            "may_audit": membership.may(permissions.VIEW_AUDIT),
            "is_open": offer.state in OPEN,
            "scripts": CHART_SCRIPTS,
        }
        return super().get_context_data(**{"refusals": (), **kwargs, **shown})


class OrderOffer(OfferPage):
    """Orders an offer, or shows the reasons by their names in USEF's list."""

    permission = permissions.PLACE_ORDERS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Place the order and show it, or show why it is refused."""
        offer = self.offer()
        form = OrderForm(request.POST)
        refusals: list[Refusal] = []
        if form.is_valid():
            asked = form.cleaned_data
            try:
                order = place_order(
                    organization=self.organization, offer=offer.pk, reference=asked["reference"], request=form.request
                )
            except OrderRefused as error:
                refusals = error.refusals
            else:
                return redirect("order", self.organization.slug, order.pk)
        context = self.get_context_data(offer_row=offer, form=form, refusals=refusals, asked=True)
        return self.render_to_response(context, status=422)


class OfferChart(OfferMixin):
    """The chart of an offer as JSON."""

    def get(self, _request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws."""
        offer = self.offer()
        page = joint_offer_chart(offer) if offer.is_joint else offer_chart(offer)
        return JsonResponse(page.as_json())


class MakeOffers(JobOnPageMixin, RunMixin, TemplateView):
    """The form that offers a plan on a product, and how far the job is that does it."""

    permission = permissions.SELL_OFFERS
    template_name = "flexmarket/make_offers.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form, and the job in `?job=`."""
        run = kwargs.pop("run_row", None) or self.run(self.kwargs["run"])
        form = kwargs.pop("form", None) or MakeOffersForm(run, initial={"key": new_key()})
        job = self.job_in_address(MAKE_OFFERS, input__run=run.pk)
        return super().get_context_data(**{**kwargs, "run": run, "form": form, "job": job})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Start the job and show it, or show what is wrong."""
        run = self.run(self.kwargs["run"])
        form = MakeOffersForm(run, request.POST)
        if form.is_valid():
            asked = form.cleaned_data
            try:
                job = request_offers(
                    run=run,
                    product=asked["product"],
                    wanted=form.wanted,
                    submitted=asked["submit"],
                    idempotency_key=asked["key"],
                )
            except ValidationError as error:
                form.take(error)
            except JobConflictError as error:
                form.add_error(None, str(error))
            else:
                address = reverse("offers_make", args=[self.organization.slug, run.pk])
                return redirect(f"{address}?job={job.pk}")
        return self.render_to_response(self.get_context_data(run_row=run, form=form), status=422)


def _price_steps(offer: MarketOffer) -> list[dict[str, float]]:
    """Return the parts of an offer's power, each with its price."""
    found, before = [], 0.0
    for up_to_kw, price in offer.prices:
        found.append({"from_kw": before, "up_to_kw": float(up_to_kw), "price": float(price)})
        before = float(up_to_kw)
    return found
