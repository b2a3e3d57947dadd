"""Offers on the market in the API."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Portfolio, Site
from flexmarket.engine.market.states import OfferState, StateError
from flexmarket.models import MarketOffer, MarketProduct
from flexmarket.trading import lifecycle
from flexmarket.trading.joint_offering import JointWanted, request_joint_offers
from flexmarket.trading.offering import SITE, Wanted
from flexmarket.trading.tasks import request_offers
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import moment, row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example
from optimization.models import ScheduleRun

MOST_OFFERS = 1000

OFFER: dict[str, Any] = {
    "id": 17,
    "reference": "FX-17",
    "product": 1,
    "portfolio": None,
    "part_of": None,
    "site": 1,
    "asset": None,
    "run": 3,
    "method": "exact",
    "direction": "positive",
    "start": "2026-11-22T10:00:00Z",
    "end": "2026-11-22T11:00:00Z",
    "step_seconds": 900,
    "count": 4,
    "power_kw": 10.0,
    "minimum_power_kw": 2.0,
    "power_step_kw": 0.5,
    "energy_kwh": 10.0,
    "prices": [[4.0, 0.1], [10.0, 0.2]],
    "cost_eur": 1.2,
    "availability_price_per_kw_h": 0.0,
    "change_kw": [-10.0, -10.0, -10.0, -10.0],
    "baseline_kw": [12.0, 12.0, 12.0, 12.0],
    "rebound_kw": [4.0, 3.5],
    "exclusive_group": "run-3-site",
    "valid_until": "2026-11-22T09:00:00Z",
    "gate_closes_at": "2026-11-22T09:00:00Z",
    "versions": {"plan": 3, "solver": "highs 1.15.1", "forecasts": [8, 9], "baseline": "5a0c41f2b7d9e310"},
    "state": "submitted",
    "reason": "",
}


class SeriesListField(serializers.ListField):
    """A stored series as a list of numbers."""

    child = serializers.FloatField()

    def to_representation(self, data: Any) -> list[float]:
        """Return plain numbers."""
        return [float(value) for value in data]


class MarketOfferSerializer(serializers.ModelSerializer[MarketOffer]):
    """A change of consumption that can be called; series are positive for consumption, powers are magnitudes.

    An offer of a `portfolio` has a part for each site (`part_of`), which is called with it and not by itself.
    """

    reference = serializers.CharField()
    end = serializers.DateTimeField()
    power_kw = serializers.FloatField()
    minimum_power_kw = serializers.FloatField()
    power_step_kw = serializers.FloatField()
    energy_kwh = serializers.FloatField()
    cost_eur = serializers.FloatField()
    availability_price_per_kw_h = serializers.FloatField()
    prices = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    change_kw = SeriesListField()
    baseline_kw = SeriesListField()
    rebound_kw = SeriesListField(allow_null=True)

    class Meta:
        model = MarketOffer
        fields = list(OFFER)
        read_only_fields = fields


class MakeOffersSerializer(serializers.Serializer[Any]):
    """The plan to offer, and the product to offer it on."""

    run = serializers.IntegerField(help_text="Id of the newest schedule run of its time")
    product = serializers.IntegerField(help_text="Id of the product")
    devices = serializers.ListField(
        child=serializers.CharField(max_length=100),
        default=list,
        max_length=100,
        help_text="Names of devices that are offered each for itself; empty: the site as a whole",
    )
    directions = serializers.ListField(
        child=serializers.ChoiceField(choices=MarketOffer.Direction.choices),
        default=lambda: list(MarketOffer.Direction.values),
        max_length=2,
    )
    submit = serializers.BooleanField(default=False, help_text="Put them on the market at once")


class JointOffersSerializer(serializers.Serializer[Any]):
    """The portfolio to offer as one, the local day of its plans, and the product to offer it on."""

    portfolio = serializers.IntegerField(help_text="Id of the portfolio")
    product = serializers.IntegerField(help_text="Id of the product")
    day = serializers.DateField(help_text="Local day of the portfolio whose newest plans are offered")
    directions = serializers.ListField(
        child=serializers.ChoiceField(choices=MarketOffer.Direction.choices),
        default=lambda: list(MarketOffer.Direction.values),
        min_length=1,
        max_length=2,
    )
    limit_kw = serializers.FloatField(
        required=False, allow_null=True, default=None, help_text="Most that all sites may change together, kW"
    )
    submit = serializers.BooleanField(default=False, help_text="Put them on the market at once")


class OfferIdsSerializer(serializers.Serializer[Any]):
    """Offers to change together: all of them, or none."""

    offers = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=MOST_OFFERS)
    reason = serializers.CharField(default="", allow_blank=True, max_length=1000)


class OffersSerializer(serializers.Serializer[Any]):
    """Offers as they are now."""

    offers = MarketOfferSerializer(many=True)


class MarketOfferViewSet(TenantViewSet):
    """Offers on markets: made of a plan, submitted, revoked; drafts are seen by nobody else."""

    serializer_class = MarketOfferSerializer
    needs = {
        "list": permissions.VIEW_OFFERS,
        "retrieve": permissions.VIEW_OFFERS,
        "create": permissions.SELL_OFFERS,
        "joint": permissions.SELL_OFFERS,
        "submit": permissions.SELL_OFFERS,
        "revoke": permissions.SELL_OFFERS,
    }
    filters = {
        "product": row("product", MarketProduct),
        "site": row("site", Site),
        "run": row("run", ScheduleRun),
        "portfolio": row("portfolio", Portfolio),
        "part_of_offer": row("part_of", MarketOffer, "The sites' parts of a portfolio's offer"),
        "state": same("state", [state.value for state in OfferState]),
        "direction": same("direction", MarketOffer.Direction.values),
        "from": moment("start__gte"),
        "until": moment("start__lt"),
    }
    orderings = ("start", "power_kw")
    keyed_by_job = frozenset({"create", "joint"})
    examples = {
        "list": Example(answer=OFFER),
        "retrieve": Example(answer=OFFER),
        "create": Example(
            request={"run": 3, "product": 1, "devices": [], "directions": ["positive"], "submit": True},
            answer=JOB | {"kind": "make_offers", "title": "Offer Dachau 1 on Redispatch, afternoon"},
        ),
        "joint": Example(
            request={"portfolio": 1, "product": 1, "day": "2026-11-22", "limit_kw": 500.0, "submit": True},
            answer=JOB | {"kind": "offer_portfolio", "title": "Offer Dachau on Redispatch, afternoon"},
        ),
        "submit": Example(request={"offers": [17]}, answer={"offers": [OFFER]}),
        "revoke": Example(
            request={"offers": [17], "reason": "The battery is serviced."},
            answer={"offers": [OFFER | {"state": "revoked"}]},
        ),
    }

    def get_queryset(self) -> QuerySet[MarketOffer]:
        """Return the organization's offers."""
        return MarketOffer.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of offers, the earliest start first; parts of a portfolio's offer with `part_of_offer` only."""
        parts = "part_of_offer" in request.query_params
        return self.page(self.get_queryset() if parts else self.get_queryset().filter(part_of=None))

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one offer."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=MakeOffersSerializer, responses={202: JobSerializer})
    def create(self, request: Request) -> Response:
        """Make the offers of a plan for a product; the answer is the job that quantifies them."""
        form = MakeOffersSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        run = cast("ScheduleRun", self.own_row("run", asked["run"], ScheduleRun.objects.select_related("site")))
        product = cast("MarketProduct", self.own_row("product", asked["product"], MarketProduct.objects.all()))
        wanted = Wanted(subjects=asked["devices"] or (SITE,), directions=asked["directions"])
        job = request_offers(
            run=run,
            product=product,
            wanted=wanted,
            submitted=asked["submit"],
            idempotency_key=self.idempotency_key,
        )
        return accepted(job, request)

    @extend_schema(request=JointOffersSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def joint(self, request: Request) -> Response:
        """Make the offers of a portfolio as one; the answer is the job that quantifies its sites, seconds for each."""
        form = JointOffersSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        portfolio = cast("Portfolio", self.own_row("portfolio", asked["portfolio"], Portfolio.objects.all()))
        product = cast("MarketProduct", self.own_row("product", asked["product"], MarketProduct.objects.all()))
        wanted = JointWanted(
            portfolio=portfolio,
            product=product,
            day=asked["day"],
            directions=asked["directions"],
            limit_kw=asked["limit_kw"],
        )
        job = request_joint_offers(
            organization=self.organization,
            wanted=wanted,
            submitted=asked["submit"],
            idempotency_key=self.idempotency_key,
        )
        return accepted(job, request)

    @extend_schema(request=OfferIdsSerializer, responses=OffersSerializer)
    @action(detail=False, methods=["post"])
    def submit(self, request: Request) -> Response:
        """Validate drafts and put them on the market, all or none."""
        return self._change(request, lambda offers, _: lifecycle.submit(organization=self.organization, offers=offers))

    @extend_schema(request=OfferIdsSerializer, responses=OffersSerializer)
    @action(detail=False, methods=["post"])
    def revoke(self, request: Request) -> Response:
        """Take offers off the market that nobody has ordered, all or none."""
        return self._change(
            request,
            lambda offers, reason: lifecycle.revoke(organization=self.organization, offers=offers, reason=reason),
        )

    def _change(self, request: Request, change: Any) -> Response:
        form = OfferIdsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = list(dict.fromkeys(form.validated_data["offers"]))
        offers = [self.own_row(f"offers[{index}]", pk, self.get_queryset()) for index, pk in enumerate(asked)]
        try:
            changed = change(offers, form.validated_data["reason"])
        except StateError as error:
            raise ValidationError({"offers": str(error)}) from error
        return Response(OffersSerializer({"offers": changed}).data)
