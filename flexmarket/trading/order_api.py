"""Orders in the API: one, or a file of many."""

from collections.abc import Mapping
from typing import Any

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
from flexmarket.models import MarketOffer, Order
from flexmarket.trading.api import SeriesListField
from flexmarket.trading.order_files import upload_orders
from flexmarket.trading.ordering import LONGEST_REFERENCE, place_order
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import row, same
from flexplatform.api.schema import Example, FieldErrorSerializer
from telemetry.series_files import FileProblem

ORDER: dict[str, Any] = {
    "id": 4,
    "part_of": None,
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


class OrderSerializer(serializers.ModelSerializer[Order]):
    """What was called of an offer, and how far its activation is; `run` is the schedule with the call.

    An order of a portfolio's offer has no job and no run of its own: its sites' orders (`part_of`) have them, and it
    stands where they stand. "partly" means that some of them failed; `reason` names these.
    """

    power_kw = serializers.FloatField()
    price_per_kwh = serializers.FloatField()
    change_kw = SeriesListField()

    class Meta:
        model = Order
        fields = list(ORDER)
        read_only_fields = fields


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
        "part_of_order": row("part_of", Order, "The sites' orders of a portfolio's order"),
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
        """Answer a page of orders, newest first; those of a portfolio's sites with `part_of_order` or `site` only."""
        parts = {"part_of_order", "site", "offer", "reference"} & set(request.query_params)
        return self.page(self.get_queryset() if parts else self.get_queryset().filter(part_of=None))

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one order and how far its activation is."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=PlaceOrderSerializer, responses={201: OrderSerializer})
    def create(self, request: Request) -> Response:
        """Order an offer or a part of its power; its activation starts at once, in the job that the answer names.

        An order of a portfolio's offer is split over its sites, the cheapest first; each has an order of its own.
        """
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
