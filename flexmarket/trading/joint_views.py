"""The page that offers a portfolio as one."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from assets.models import Portfolio
from flexmarket.live import JobOnPageMixin
from flexmarket.models import MarketOffer, MarketProduct
from flexmarket.trading.forms import DAY, MarketForm
from flexmarket.trading.joint_offering import MOST_SITES, OFFER_PORTFOLIO, JointWanted, request_joint_offers
from flexplatform.accounts import permissions
from flexplatform.accounts.models import Organization
from flexplatform.jobs.errors import JobConflictError
from flexplatform.jobs.models import new_key


class JointOffersForm(MarketForm):
    """Which portfolio is offered on which product, from the plans of which day."""

    portfolio = forms.ModelChoiceField(Portfolio.objects.none(), label=_("Portfolio"), empty_label=None)
    product = forms.ModelChoiceField(MarketProduct.objects.none(), label=_("Product"), empty_label=None)
    day = forms.DateField(
        label=_("Local day"),
        help_text=_("The newest plan of each site that begins on it"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(DAY, "%Y-%m-%d"),
    )
    limit_kw = forms.FloatField(
        required=False,
        label=_("Most power together (kW)"),
        help_text=_("Of a shared connection, or what is wanted; empty: all that the sites can give"),
        widget=forms.NumberInput({"step": "any", "min": "0", "inputmode": "decimal"}),
    )
    directions = forms.MultipleChoiceField(
        label=_("Directions"), choices=MarketOffer.Direction.choices, widget=forms.CheckboxSelectMultiple
    )
    submit = forms.BooleanField(required=False, label=_("Put them on the market at once"))
    key = forms.CharField(max_length=100, widget=forms.HiddenInput)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields
        choices["portfolio"].queryset = Portfolio.objects.filter(organization=organization).order_by("name")
        on_sale = MarketProduct.objects.filter(organization=organization, is_active=True)
        choices["product"].queryset = on_sale.order_by("name")

    @property
    def wanted(self) -> JointWanted:
        """What the job shall make, after `is_valid`."""
        names = ("portfolio", "product", "day", "limit_kw", "directions")
        return JointWanted(**{name: self.cleaned_data[name] for name in names})


class MakeJointOffers(JobOnPageMixin, TemplateView):
    """The form that offers a portfolio as one, and how far the job is that does it."""

    permission = permissions.SELL_OFFERS
    template_name = "flexmarket/portfolio_offers.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form, and the job in `?job=`; `?portfolio=` and `?day=` are what it begins with."""
        asked = self.request.GET
        tomorrow = timezone.localdate() + timedelta(days=1)
        initial = {
            "key": new_key(),
            "portfolio": asked.get("portfolio", ""),
            "day": asked.get("day") or tomorrow,
            "directions": list(MarketOffer.Direction),
        }
        form = kwargs.pop("form", None) or JointOffersForm(self.organization, initial=initial)
        job = self.job_in_address(OFFER_PORTFOLIO)
        return super().get_context_data(**{**kwargs, "form": form, "job": job, "most_sites": MOST_SITES})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Start the job and show it, or show what is wrong at its field."""
        form = JointOffersForm(self.organization, request.POST)
        if form.is_valid():
            asked = form.cleaned_data
            try:
                job = request_joint_offers(
                    organization=self.organization,
                    wanted=form.wanted,
                    submitted=asked["submit"],
                    idempotency_key=asked["key"],
                )
            except ValidationError as error:
                form.take(error)
            except JobConflictError as error:
                form.add_error(None, str(error))
            else:
                address = reverse("portfolio_offer", args=[self.organization.slug])
                portfolio = asked["portfolio"].pk
                return redirect(f"{address}?job={job.pk}&portfolio={portfolio}&day={asked['day'].isoformat()}")
        return self.render_to_response(self.get_context_data(form=form), status=422)
