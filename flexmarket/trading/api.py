"""Offers on the market and orders in the API."""

from collections.abc import Mapping
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Site
from flexmarket.engine.market.refusals import OrderRefused
from flexmarket.engine.market.states import OfferState, StateError
from flexmarket.models import MarketOffer, MarketProduct, Order
from flexmarket.trading import lifecycle
from flexmarket.trading.offering import SITE, Wanted
from flexmarket.trading.order_files import upload_orders
from flexmarket.trading.ordering import LONGEST_REFERENCE, place_order
from flexmarket.trading.tasks import request_offers
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import moment, row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example, FieldErrorSerializer
from optimization.models import ScheduleRun
from telemetry.series_files import FileProblem

MOST_OFFERS = 1000

OFFER: dict[str, Any] = {
    "id": 17,
    "reference": "FX-17",
    "product": 1,
    "portfolio": None,
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
ORDER: dict[str, Any] = {
    "id": 4,
    "reference": "DSO-2026-0815",
    "offer": 17,
    "state": "accepted",
    "reason": "",
    "power_kw": 4.0,
    "price_per_kwh": 0.1,
    "change_kw": [-4.0, -4.0, -4.0, -4.0],
    "received_at": "2026-11-22T08:12:00Z",
    "activated_at": None,
    "run": None,
    "job": 31,
}


class SeriesListField(serializers.ListField):
    """A stored series as a list of numbers."""

    child = serializers.FloatField()

    def to_representation(self, data: Any) -> list[float]:
        """Return plain numbers."""
        return [float(value) for value in data]


class MarketOfferSerializer(serializers.ModelSerializer[MarketOffer]):
    """A change of consumption that can be called; series are positive for consumption, powers are magnitudes."""

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


class OrderSerializer(serializers.ModelSerializer[Order]):
    """What was called of an offer, and how far its activation is; `run` is the schedule with the call."""

    power_kw = serializers.FloatField()
    price_per_kwh = serializers.FloatField()
    change_kw = SeriesListField()

    class Meta:
        model = Order
        fields = list(ORDER)
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


class OfferIdsSerializer(serializers.Serializer[Any]):
    """Offers to change together: all of them, or none."""

    offers = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=MOST_OFFERS)
    reason = serializers.CharField(default="", allow_blank=True, max_length=1000)


class OffersSerializer(serializers.Serializer[Any]):
    """Offers as they are now."""

    offers = MarketOfferSerializer(many=True)


class StepsSerializer(serializers.Serializer[Any]):
    """A change of consumption over steps of the market day."""

    first = serializers.IntegerField(help_text="Number of the first step in the local day, from 1")
    count = serializers.IntegerField()
    power_kw = serializers.FloatField(help_text="Positive for consumption")


class PlaceOrderSerializer(serializers.Serializer[Any]):
    """An order: `power_kw` (a magnitude), or `steps`, or `powers_kw` (a change of consumption per step of the day)."""

    offer = serializers.CharField(max_length=40, help_text="Id or reference of the offer")
    reference = serializers.CharField(max_length=LONGEST_REFERENCE, help_text="Your name for the order")
    power_kw = serializers.FloatField(required=False, allow_null=True)
    steps = StepsSerializer(many=True, required=False)
    powers_kw = serializers.ListField(child=serializers.FloatField(), required=False, allow_null=True, max_length=2000)
    step_minutes = serializers.FloatField(required=False, allow_null=True)
    time_zone = serializers.CharField(required=False, allow_null=True, max_length=64)
    price_eur_per_kwh = serializers.FloatField(
        required=False, allow_null=True, help_text="Refused where it is not the price of the called power"
    )


class RowAnswerSerializer(serializers.Serializer[Any]):
    """What became of a row: the id of its order, or why there is none."""

    line = serializers.IntegerField()
    reference = serializers.CharField()
    order = serializers.IntegerField(allow_null=True)
    wrong = FieldErrorSerializer(many=True)


class RowAnswersSerializer(serializers.Serializer[Any]):
    """What became of each row of a file."""

    rows = RowAnswerSerializer(many=True)


class MarketOfferViewSet(TenantViewSet):
    """Offers on markets: made of a plan, submitted, revoked; drafts are seen by nobody else."""

    serializer_class = MarketOfferSerializer
    needs = {
        "list": permissions.VIEW_OFFERS,
        "retrieve": permissions.VIEW_OFFERS,
        "create": permissions.SELL_OFFERS,
        "submit": permissions.SELL_OFFERS,
        "revoke": permissions.SELL_OFFERS,
    }
    filters = {
        "product": row("product", MarketProduct),
        "site": row("site", Site),
        "run": row("run", ScheduleRun),
        "state": same("state", [state.value for state in OfferState]),
        "direction": same("direction", MarketOffer.Direction.values),
        "from": moment("start__gte"),
        "until": moment("start__lt"),
    }
    orderings = ("start", "power_kw")
    keyed_by_job = frozenset({"create"})
    examples = {
        "list": Example(answer=OFFER),
        "retrieve": Example(answer=OFFER),
        "create": Example(
            request={"run": 3, "product": 1, "devices": [], "directions": ["positive"], "submit": True},
            answer=JOB | {"kind": "make_offers", "title": "Offer Dachau 1 on Redispatch, afternoon"},
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
        """Answer a page of offers, the earliest start first."""
        return self.page(self.get_queryset())

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


class OrderFileParser(BaseParser):
    """Leaves a CSV file of orders as it is."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the body."""
        return bytes(stream.read())


class OrderViewSet(TenantViewSet):
    """Orders of offers; one that is refused changes nothing, and says every reason by its name in USEF's list."""

    serializer_class = OrderSerializer
    needs = {
        "list": permissions.VIEW_OFFERS,
        "retrieve": permissions.VIEW_OFFERS,
        "create": permissions.PLACE_ORDERS,
        "upload": permissions.PLACE_ORDERS,
    }
    filters = {
        "state": same("state", Order.State.values),
        "reference": same("reference"),
        "offer": row("offer", MarketOffer),
        "site": row("offer__site", Site),
    }
    orderings = ("received_at",)
    keyed = frozenset({"create"})
    examples = {
        "list": Example(answer=ORDER),
        "retrieve": Example(answer=ORDER),
        "create": Example(request={"offer": "FX-17", "reference": "DSO-2026-0815", "power_kw": 4.0}, answer=ORDER),
        "upload": Example(
            request_csv="reference,offer,power_kw,price_eur_per_kwh\nDSO-2026-0815,FX-17,4,0.1\nDSO-2026-0816,FX-17,40,\n",
            answer={
                "rows": [
                    {"line": 2, "reference": "DSO-2026-0815", "order": 4, "wrong": []},
                    {
                        "line": 3,
                        "reference": "DSO-2026-0816",
                        "order": None,
                        "wrong": [
                            {
                                "field": "offer",
                                "message": "Flexibility procured: offer.state is ordered; allowed: submitted.",
                            }
                        ],
                    },
                ]
            },
        ),
    }

    def get_queryset(self) -> QuerySet[Order]:
        """Return the organization's orders."""
        return Order.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of orders, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one order and how far its activation is."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=PlaceOrderSerializer, responses={201: OrderSerializer})
    def create(self, request: Request) -> Response:
        """Order an offer or a part of its power; its activation starts at once, in the job that the answer names."""
        form = PlaceOrderSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        try:
            order = place_order(
                organization=self.organization,
                offer=asked.pop("offer"),
                reference=asked.pop("reference"),
                request=asked,
            )
        except OrderRefused as error:
            raise ValidationError(refusals_by_field(error)) from error
        return Response(self.get_serializer(order).data, status.HTTP_201_CREATED)

    @extend_schema(request={"text/csv": OpenApiTypes.STR}, responses=RowAnswersSerializer)
    @action(detail=False, methods=["post"], parser_classes=[OrderFileParser])
    def upload(self, request: Request) -> Response:
        """Place the orders of a CSV file, one per row; every row is answered, a refused one changes nothing.

        Columns are `reference`, `offer`, `power_kw` and, where wanted, `price_eur_per_kwh`.
        """
        try:
            answers = upload_orders(
                organization=self.organization, data=request.data if isinstance(request.data, bytes) else b""
            )
        except FileProblem as problem:
            found = {f"line {each.line} {each.column}".strip(): each.message for each in problem.found}
            raise ValidationError(found) from problem
        rows = [
            {
                "line": each.line,
                "reference": each.reference,
                "order": each.order.pk if each.order else None,
                "wrong": [{"field": wrong.column, "message": wrong.message} for wrong in each.wrong],
            }
            for each in answers
        ]
        return Response(RowAnswersSerializer({"rows": rows}).data)


def refusals_by_field(error: OrderRefused) -> dict[str, list[str]]:
    """Return every reason by the field that it is about."""
    found: dict[str, list[str]] = {}
    for each in error.refusals:
        found.setdefault(each.field, []).append(str(each))
    return found
