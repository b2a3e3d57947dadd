"""The page of providers: what is fetched, how fresh it is, and with which keys."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from flexplatform.accounts import permissions
from flexplatform.jobs.models import Job
from flexplatform.portal.views import OrganizationMixin
from forecasting import services
from forecasting.models import PriceFeed, WeatherFeed
from forecasting.provider_forms import KeyForm, PriceFeedForm
from forecasting.providers import WEATHER, WITH_KEY


class Providers(OrganizationMixin, TemplateView):
    """What is fetched from whom, and how that went."""

    template_name = "forecasting/providers.html"
    permission = permissions.VIEW_FORECASTS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the feeds, which keys there are, and forms for those who may change them."""
        membership = self.tenant_request.membership
        may_manage = membership.may(permissions.MANAGE_PROVIDERS)
        shown: dict[str, Any] = {
            "weather": WeatherFeed.objects.filter(organization=self.organization).first(),
            "weather_provider": next(iter(WEATHER.values())),
            "prices": PriceFeed.objects.filter(organization=self.organization).select_related("series"),
            "may_manage": may_manage,
            "may_fetch_weather": membership.may(permissions.CHANGE_FORECASTS),
            "may_fetch_prices": membership.may(permissions.CHANGE_PRICES),
        }
        if may_manage:
            shown["keys"] = [(WITH_KEY[name], row) for name, row in self._keys() if name in WITH_KEY]
            shown["feed_form"] = PriceFeedForm(self.organization)
            shown["key_form"] = KeyForm()
        return super().get_context_data(**{**shown, **kwargs})

    def _keys(self) -> Any:
        return services.keys_set(self.organization).items()


class _Managed(Providers):
    """A change of what is fetched; what is wrong is shown on the page."""

    permission = permissions.MANAGE_PROVIDERS
    http_method_names = ["post"]

    def done(self) -> HttpResponse:
        """Go back to the page."""
        messages.success(self.request, _("Saved."))
        return redirect("providers", self.organization.slug)


class WeatherSwitch(_Managed):
    """Fetches the weather, or no more."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Switch it."""
        services.switch_weather(organization=self.organization, enabled=request.POST.get("weather") == "on")
        return self.done()


class PriceFeedNew(_Managed):
    """Adds prices that are fetched."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add the feed, or show what is wrong."""
        form = PriceFeedForm(self.organization, request.POST)
        if form.is_valid():
            try:
                services.create_price_feed(organization=self.organization, values=form.cleaned_data)
            except ValidationError as error:
                form.take(error)
            else:
                return self.done()
        return self.render_to_response(self.get_context_data(feed_form=form), status=422)


class PriceFeedDelete(_Managed):
    """Ends fetching of prices."""

    def post(self, request: HttpRequest, price_feed: int) -> HttpResponse:
        """Delete the feed; the prices stay."""
        services.delete_price_feed(
            feed=get_object_or_404(PriceFeed.objects.filter(organization=self.organization), pk=price_feed)
        )
        return self.done()


class KeySet(_Managed):
    """Stores a key."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Store it, or show what is wrong; the key itself is not repeated."""
        form = KeyForm(request.POST)
        if form.is_valid():
            try:
                services.set_provider_key(organization=self.organization, **form.cleaned_data)
            except ValidationError as error:
                form.take(error)
            else:
                return self.done()
        return self.render_to_response(self.get_context_data(key_form=form), status=422)


class KeyDelete(_Managed):
    """Forgets a key."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Delete it."""
        services.delete_provider_key(organization=self.organization, provider=request.POST.get("provider", ""))
        return self.done()


class _Fetch(OrganizationMixin):
    """Asks for a fetch now."""

    http_method_names = ["post"]
    request_job: Callable[..., Job]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Go to the job that fetches, or say why there is none."""
        try:
            job = type(self).request_job(organization=self.organization)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("providers", self.organization.slug)
        return redirect("job", self.organization.slug, job.pk)


class WeatherFetch(_Fetch):
    """Fetches the weather now."""

    permission = permissions.CHANGE_FORECASTS
    request_job = staticmethod(services.request_weather)


class PricesFetch(_Fetch):
    """Fetches prices now."""

    permission = permissions.CHANGE_PRICES
    request_job = staticmethod(services.request_prices)
