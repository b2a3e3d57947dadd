"""Pages of what the platform forecasts itself: all channels, the league of models, and one channel."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from assets.models import PriceSeries
from flexplatform.accounts import permissions
from flexplatform.jobs.models import Job
from flexplatform.portal.charts import CHART_SCRIPTS
from flexplatform.portal.views import OrganizationMixin
from forecasting import own_queries, services
from forecasting.engine.grid import Grid, end_of
from forecasting.faults import Readings, readings_of
from forecasting.model_names import model_label
from forecasting.models import ChannelForecast
from forecasting.own_charts import DAYS_OF_SCORES, ONE_DAY, outcome_charts, score_charts
from forecasting.own_forms import ChannelLookForm, OwnFilter, OwnForecastForm
from forecasting.price_queries import listed_series
from forecasting.queries import newest_forecast
from telemetry.models import Channel

MOST_FAULTS = 30
SLIDER = ("forecasting/known_at.js",)


class OwnForecasts(OrganizationMixin, ListView):
    """The channels that the platform forecasts, with model, scores, freshness and drift."""

    permission = permissions.VIEW_FORECASTS
    template_name = "forecasting/own_forecasts.html"
    context_object_name = "rows"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[ChannelForecast]:
        """Return what the filter asks for."""
        self.form = OwnFilter(self.request.GET)
        self.form.is_valid()
        rows = own_queries.listed(ChannelForecast.objects.filter(organization=self.organization))
        return self.form.applied(rows).order_by(
            "-enabled", "channel__site__name", "channel__asset__name", "channel__quantity"
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the channels, with what is stale, and what the member may do."""
        context = super().get_context_data(**kwargs)
        now = timezone.now()
        for row in context["rows"]:
            row.stale = own_queries.is_stale(row, row.issued_at, now)
            row.model_label = model_label(row.model)
        may_change = self.tenant_request.membership.may(permissions.CHANGE_FORECASTS)
        filtered = any(self.request.GET.get(name) for name in self.form.fields)
        shown = {"form": self.form, "filtered": filtered, "may_change": may_change, "prices": self._prices()}
        return {**context, **shown}

    def _prices(self) -> list[PriceSeries]:
        """Return the price series that were ever forecast, with their newest forecast."""
        if not self.tenant_request.membership.may(permissions.VIEW_PRICES):
            return []
        rows: Any = listed_series(self.organization)
        found: list[Any] = [row for row in rows if row.issued_at]
        for row in found:
            row.model_label = model_label(row.model)
        return found


class League(OrganizationMixin, TemplateView):
    """How good each model is by kind of channel, from the back-tests that chose the models."""

    permission = permissions.VIEW_FORECASTS
    template_name = "forecasting/league.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the models of each kind, the best first; one query."""
        kinds: dict[str, list[dict[str, Any]]] = {}
        for each in own_queries.league(ChannelForecast.objects.filter(organization=self.organization)):
            kinds.setdefault(each["kind"], []).append({**each, "label": model_label(each["model"])})
        titles = {"load": _("Electric load"), "heat": _("Heat"), "pv": _("PV"), "wind": _("Wind"), "ev": _("Vehicles")}
        shown = [(titles.get(kind, kind), ranks) for kind, ranks in kinds.items()]
        return super().get_context_data(**{**kwargs, "kinds": shown})


class ChannelMixin(OrganizationMixin):
    """Finds the channel of the address within the organization, and what of it is looked at."""

    permission = permissions.VIEW_FORECASTS

    def channel(self) -> Channel:
        """Return the channel; one of another organization does not exist here."""
        channels = Channel.objects.filter(organization=self.organization).select_related("site", "asset")
        return get_object_or_404(channels, pk=self.kwargs["channel"])

    def readings(self, channel: Channel, grid: Grid) -> Readings | None:
        """Return what was measured and is wrong with it; None for a member who may not see measurements."""
        may = self.tenant_request.membership.may(permissions.VIEW_TELEMETRY)
        return readings_of(channel, end_of(grid)) if may else None


class ChannelForecastPage(ChannelMixin, TemplateView):
    """One channel: what is expected and what came, now or as it was known, how good that is, and by which model."""

    template_name = "forecasting/channel.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the channel with its forecasts, models and faults."""
        channel = kwargs.pop("channel_row", None) or self.channel()
        own: Any = own_queries.listed(ChannelForecast.objects.filter(channel=channel)).first()
        look = ChannelLookForm(channel.site, self.request.GET)
        grid, asked = look.grid, look.looked_at
        readings = self.readings(channel, grid)
        faults = readings.faults if readings else []
        may_change = self.tenant_request.membership.may(permissions.CHANGE_FORECASTS)
        first, days = asked["day"], asked["days"]
        shown = {
            "channel": channel,
            "own": own,
            "stale": own is not None and own_queries.is_stale(own, own.issued_at),
            "model": model_label(own.model) if own else "",
            "ranks": own_queries.ranks(own) if own else [],
            "backtest": own.scores_by_model.get(own.model, {}) if own else {},
            "form": ChannelLookForm(channel.site, initial=asked) if look.is_valid() else look,
            "look": {**asked, "last": first + (days - 1) * ONE_DAY, "grid": grid},
            "earlier": first - days * ONE_DAY,
            "later": first + days * ONE_DAY,
            "issues": own_queries.issues(channel, grid),
            "faults": faults[:MOST_FAULTS],
            "unshown": max(len(faults) - MOST_FAULTS, 0),
            "readings": readings,
            "may_change": may_change,
            "change_form": kwargs.pop("change_form", None) or _change_form(own),
            "scripts": (*CHART_SCRIPTS, *SLIDER),
        }
        return super().get_context_data(**{**kwargs, **shown})


class ChannelForecastCharts(ChannelMixin):
    """Forecast and outcome of a channel as JSON."""

    def get(self, request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws: each step from the newest forecast that was known."""
        channel = self.channel()
        look = ChannelLookForm(channel.site, request.GET)
        grid = look.grid
        forecast = newest_forecast(channel, grid, look.looked_at["known_at"])
        return JsonResponse(outcome_charts(channel, grid, forecast, self.readings(channel, grid)).as_json())


class ChannelScoreCharts(ChannelMixin):
    """How good the own forecasts of a channel were, as JSON."""

    def get(self, _request: HttpRequest, **_kwargs: Any) -> JsonResponse:
        """Answer what charts.js draws."""
        channel, now = self.channel(), timezone.now()
        scored = list(own_queries.scored(channel, now - (DAYS_OF_SCORES + 1) * ONE_DAY))
        return JsonResponse(score_charts(channel, scored, now.astimezone(channel.site.zone).date()).as_json())


class ChannelForecastChange(ChannelForecastPage):
    """Switches the forecast of a channel on or off, or forces a model."""

    permission = permissions.CHANGE_FORECASTS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Change it and show the channel, or show what is wrong."""
        channel = self.channel()
        own = get_object_or_404(
            ChannelForecast.objects.select_related("channel__asset", "organization"), channel=channel
        )
        form = OwnForecastForm(own, request.POST)
        if form.is_valid():
            try:
                services.update_own_forecast(own=own, values=form.cleaned_data)
            except ValidationError as error:
                form.take(error)
            else:
                messages.success(request, _("Saved."))
                return redirect("channel_forecast", self.organization.slug, channel.pk)
        return self.render_to_response(self.get_context_data(channel_row=channel, change_form=form), status=422)


class _Ask(OrganizationMixin):
    """Asks for a job and shows it, or says why there is none."""

    permission = permissions.CHANGE_FORECASTS
    http_method_names = ["post"]

    def ask(self) -> Job:
        """Return the job."""
        raise NotImplementedError

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Go to the job, or back."""
        try:
            job = self.ask()
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("own_forecasts", self.organization.slug)
        return redirect("job", self.organization.slug, job.pk)


class ForecastAll(_Ask):
    """Forecasts all channels that are switched on."""

    def ask(self) -> Job:
        """Return the job."""
        return services.request_forecasts(organization=self.organization)


class ChooseAll(_Ask):
    """Chooses the models of all channels that are switched on."""

    def ask(self) -> Job:
        """Return the job."""
        return services.request_model_choice(organization=self.organization)


class ForecastChannel(ChannelMixin, _Ask):
    """Forecasts one channel."""

    permission = permissions.CHANGE_FORECASTS

    def ask(self) -> Job:
        """Return the job."""
        return services.request_forecasts(organization=self.organization, channels=[self.channel().pk])


class ChooseChannel(ChannelMixin, _Ask):
    """Chooses the model of one channel."""

    permission = permissions.CHANGE_FORECASTS

    def ask(self) -> Job:
        """Return the job."""
        return services.request_model_choice(organization=self.organization, channels=[self.channel().pk])


def _change_form(own: ChannelForecast | None) -> OwnForecastForm | None:
    if own is None:
        return None
    return OwnForecastForm(own, initial={"enabled": own.enabled, "forced_model": own.forced_model})
