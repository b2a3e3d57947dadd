"""Deliveries, statements and disputes in the API."""

from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from flexmarket.engine.baselines import BaselineError
from flexmarket.models import Contract, Delivery, Dispute, Order, Statement, StatementLine
from flexmarket.settlement.disputes import LONGEST_TEXT, answer_dispute, raise_dispute
from flexmarket.settlement.exports import FORMATS, export_statement
from flexmarket.settlement.metering import meter_order
from flexmarket.settlement.statements import close_statement, draft_statements
from flexmarket.trading.api import SeriesListField
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import check_names, day, refused, row, same
from flexplatform.api.schema import Example

DELIVERY: dict[str, Any] = {
    "id": 2,
    "order": 4,
    "version": 1,
    "baseline_method": "schedule",
    "baseline_kw": [12.0, 12.0, 12.0, 12.0],
    "measured_kw": [8.0, 8.0, None, 9.0],
    "ordered_kwh": 4.0,
    "delivered_kwh": 2.75,
    "missing_kwh": 0.25,
    "unmeasured_steps": 1,
    "payment": 0.28,
    "penalty": 0.08,
    "amount": 0.2,
    "metered_at": "2026-11-22T11:20:00Z",
}
LINE: dict[str, Any] = {
    "id": 9,
    "delivery": 2,
    "order": "DSO-2026-0815",
    "product": "Redispatch, afternoon",
    "portfolio": "North",
    "site": "Dachau 1",
    "asset": "",
    "start": "2026-11-22T10:00:00Z",
    "end": "2026-11-22T11:00:00Z",
    "ordered_kwh": 4.0,
    "delivered_kwh": 2.75,
    "missing_kwh": 0.25,
    "unmeasured_steps": 1,
    "payment": 0.28,
    "penalty": 0.08,
    "amount": 0.2,
    "owner_amount": 0.16,
    "aggregator_amount": 0.04,
}
STATEMENT: dict[str, Any] = {
    "id": 3,
    "contract": 1,
    "contract_name": "Dachau 1",
    "owner_share": 0.8,
    "month": "2026-11-01",
    "version": 1,
    "state": "draft",
    "currency": "EUR",
    "amount": 0.2,
    "owner_amount": 0.16,
    "aggregator_amount": 0.04,
    "created_at": "2026-12-01T06:00:00Z",
    "closed_at": None,
}
DISPUTE: dict[str, Any] = {
    "id": 1,
    "line": 9,
    "reason": "The meter was replaced that day.",
    "state": "open",
    "answer": "",
    "created_at": "2026-12-03T09:00:00Z",
    "answered_at": None,
}


class MeasuredField(SeriesListField):
    """A measured series; null where the meter said nothing."""

    child = serializers.FloatField(allow_null=True)

    def to_representation(self, data: Any) -> Any:
        """Return plain numbers."""
        return [None if value != value else float(value) for value in data]


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """What an order delivered against its baseline; energies in kWh, amounts in the product's currency."""

    baseline_kw = SeriesListField()
    measured_kw = MeasuredField()

    class Meta:
        model = Delivery
        fields = list(DELIVERY)
        read_only_fields = fields


class StatementLineSerializer(serializers.ModelSerializer[StatementLine]):
    """One delivery in a statement."""

    class Meta:
        model = StatementLine
        fields = list(LINE)
        read_only_fields = fields


class StatementSerializer(serializers.ModelSerializer[Statement]):
    """The account of a contract over a month."""

    class Meta:
        model = Statement
        fields = list(STATEMENT)
        read_only_fields = fields


class StatementWithLinesSerializer(StatementSerializer):
    """A statement with its lines."""

    lines = StatementLineSerializer(many=True, read_only=True)

    class Meta(StatementSerializer.Meta):
        fields = [*STATEMENT, "lines"]
        read_only_fields = fields


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    """A doubt about a line of a closed statement."""

    class Meta:
        model = Dispute
        fields = list(DISPUTE)
        read_only_fields = fields


class StatementsSerializer(serializers.Serializer[Any]):
    """Statements of one month."""

    statements = StatementSerializer(many=True)


class MeterSerializer(serializers.Serializer[Any]):
    """The order whose call is metered."""

    order = serializers.IntegerField()


class DraftSerializer(serializers.Serializer[Any]):
    """The month whose statements are drafted."""

    month = serializers.DateField(help_text="Any day of it")


class CloseSerializer(serializers.Serializer[Any]):
    """What is accepted when a statement is closed."""

    accept_gaps = serializers.BooleanField(default=False, help_text="Close it though steps were not measured")


class RaiseSerializer(serializers.Serializer[Any]):
    """A doubt about a line."""

    line = serializers.IntegerField()
    reason = serializers.CharField(max_length=LONGEST_TEXT)


class AnswerSerializer(serializers.Serializer[Any]):
    """How a dispute ends."""

    accepted = serializers.BooleanField(
        help_text="The call is metered again, and the next draft corrects the statement"
    )
    answer = serializers.CharField(max_length=LONGEST_TEXT)


class DeliveryViewSet(TenantViewSet):
    """What calls delivered; a later version replaces an earlier one."""

    serializer_class = DeliverySerializer
    needs = {
        "list": permissions.VIEW_SETTLEMENT,
        "retrieve": permissions.VIEW_SETTLEMENT,
        "create": permissions.CLOSE_SETTLEMENT,
    }
    filters = {"order": row("order", Order)}
    orderings = ("metered_at",)
    examples = {
        "list": Example(answer=DELIVERY),
        "retrieve": Example(answer=DELIVERY),
        "create": Example(request={"order": 4}, answer=DELIVERY),
    }

    def get_queryset(self) -> QuerySet[Delivery]:
        """Return the organization's deliveries."""
        return Delivery.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of deliveries, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one delivery."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=MeterSerializer, responses={201: DeliverySerializer})
    def create(self, request: Request) -> Response:
        """Meter a call now; where nothing has changed since, the answer is the delivery that is there."""
        form = MeterSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        order = cast("Order", self.own_row("order", form.validated_data["order"], Order.objects.all()))
        try:
            made = meter_order(order=order)
        except BaselineError as error:
            raise ValidationError({"order": str(error)}) from error
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)


class StatementViewSet(TenantViewSet):
    """Statements by contract and month; a closed one never changes, a new version corrects it."""

    serializer_class = StatementSerializer
    needs = {
        "list": permissions.VIEW_SETTLEMENT,
        "retrieve": permissions.VIEW_SETTLEMENT,
        "create": permissions.CLOSE_SETTLEMENT,
        "close": permissions.CLOSE_SETTLEMENT,
        "export": permissions.VIEW_SETTLEMENT,
    }
    filters = {
        "contract": row("contract", Contract),
        "month": day("month"),
        "state": same("state", Statement.State.values),
    }
    orderings = ("month",)
    examples = {
        "list": Example(answer=STATEMENT),
        "retrieve": Example(answer={**STATEMENT, "lines": [LINE]}),
        "create": Example(request={"month": "2026-11-01"}, answer={"statements": [STATEMENT]}),
        "close": Example(
            request={"accept_gaps": True},
            answer=STATEMENT | {"state": "closed", "closed_at": "2026-12-02T08:00:00Z"},
        ),
        "export": Example(),
    }

    def get_queryset(self) -> QuerySet[Statement]:
        """Return the organization's statements."""
        return Statement.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of statements, the newest month first."""
        return self.page(self.get_queryset())

    @extend_schema(responses=StatementWithLinesSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one statement with its lines."""
        return Response(StatementWithLinesSerializer(self.get_object()).data)

    @extend_schema(request=DraftSerializer, responses={201: StatementsSerializer})
    def create(self, request: Request) -> Response:
        """Draft the statements of a month from the deliveries as they are now."""
        form = DraftSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = draft_statements(organization=self.organization, month=form.validated_data["month"])
        return Response(StatementsSerializer({"statements": made}).data, status.HTTP_201_CREATED)

    @extend_schema(request=CloseSerializer, responses=StatementSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: int) -> Response:
        """Close a draft whose month is over."""
        statement: Statement = self.get_object()
        form = CloseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        closed = close_statement(statement=statement, accept_gaps=form.validated_data["accept_gaps"])
        return Response(self.get_serializer(closed).data)

    @extend_schema(
        parameters=[OpenApiParameter("file", str, enum=sorted(FORMATS), required=True)],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True, methods=["get"])
    def export(self, request: Request, pk: int) -> HttpResponse:
        """Answer a statement with its lines as a file: CSV, XLSX or PDF."""
        statement: Statement = self.get_object()
        check_names(request.query_params, ("file",))
        asked = request.query_params.get("file", "")
        if asked not in FORMATS:
            raise refused("file", asked or "missing", ", ".join(sorted(FORMATS)))
        file = export_statement(statement, asked)
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return HttpResponse(file.content, content_type="application/octet-stream", headers=headers)


class StatementLineViewSet(TenantViewSet):
    """The lines of statements."""

    serializer_class = StatementLineSerializer
    needs = {"list": permissions.VIEW_SETTLEMENT}
    filters = {
        "statement": row("statement", Statement),
        "order_reference": same("order"),
        "site_name": same("site"),
        "portfolio_name": same("portfolio"),
    }
    orderings = ("start",)
    examples = {"list": Example(answer=LINE)}

    def get_queryset(self) -> QuerySet[StatementLine]:
        """Return the lines of the organization's statements."""
        return StatementLine.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of lines, the earliest call first."""
        return self.page(self.get_queryset())


class DisputeViewSet(TenantViewSet):
    """Doubts about lines of closed statements."""

    serializer_class = DisputeSerializer
    needs = {
        "list": permissions.VIEW_SETTLEMENT,
        "retrieve": permissions.VIEW_SETTLEMENT,
        "create": permissions.VIEW_SETTLEMENT,
        "answer": permissions.CLOSE_SETTLEMENT,
    }
    filters = {"state": same("state", Dispute.State.values)}
    orderings = ("created_at",)
    examples = {
        "list": Example(answer=DISPUTE),
        "retrieve": Example(answer=DISPUTE),
        "create": Example(request={"line": 9, "reason": DISPUTE["reason"]}, answer=DISPUTE),
        "answer": Example(
            request={"accepted": False, "answer": "The meter was calibrated."},
            answer=DISPUTE | {"state": "refused", "answer": "The meter was calibrated."},
        ),
    }

    def get_queryset(self) -> QuerySet[Dispute]:
        """Return the organization's disputes."""
        return Dispute.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of disputes, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one dispute."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=RaiseSerializer, responses={201: DisputeSerializer})
    def create(self, request: Request) -> Response:
        """Dispute a line of a closed statement."""
        form = RaiseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        line = cast("StatementLine", self.own_row("line", form.validated_data["line"], StatementLine.objects.all()))
        made = raise_dispute(line=line, reason=form.validated_data["reason"])
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(request=AnswerSerializer, responses=DisputeSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: int) -> Response:
        """Accept or refuse a dispute."""
        dispute: Dispute = self.get_object()
        form = AnswerSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            ended = answer_dispute(dispute=dispute, **form.validated_data)
        except BaselineError as error:
            raise ValidationError({"dispute": str(error)}) from error
        return Response(self.get_serializer(ended).data)
