"""Set-points in the API: told to devices, followed, taken back."""

from typing import Any, cast

import numpy as np
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Asset, Site
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import moment, row, same
from flexplatform.api.schema import Example
from telemetry.engine.setpoints import LARGEST_POWER_KW, MOST_STEPS
from telemetry.models import Setpoint
from telemetry.services import NewSetpoint, cancel_setpoint, queue_setpoints
from telemetry.services.setpoints import LONGEST_STEP_SECONDS

SETPOINT = {
    "id": 1,
    "message_id": "6f1d5c1e-0a5f-4ab1-9f6c-1de5a0e0b001",
    "site": 1,
    "asset": 2,
    "source": "manual",
    "origin": "",
    "state": "queued",
    "start": "2026-11-21T12:00:00Z",
    "step_seconds": 900,
    "power_kw": [2.5, -1.0, None],
    "valid_until": "2026-11-21T12:45:00Z",
    "issued_at": "2026-11-21T11:58:00Z",
    "sent_at": None,
    "answered_at": None,
    "reason": "",
    "ended_at": None,
}
ASKED = {"asset": 2, "start": "2026-11-21T12:00:00Z", "step_seconds": 900, "power_kw": [2.5, -1.0, None]}


class PowersField(serializers.ListField):
    """Powers in kW, positive for consumption; null where a step says nothing."""

    child = serializers.FloatField(min_value=-LARGEST_POWER_KW, max_value=LARGEST_POWER_KW, allow_null=True)


class SetpointSerializer(serializers.ModelSerializer[Setpoint]):
    """What a device is told, and how far that got; `message_id` is what the device sees and answers."""

    site = serializers.IntegerField(source="site_id")
    asset = serializers.IntegerField(source="asset_id")
    power_kw = serializers.SerializerMethodField()

    class Meta:
        model = Setpoint
        fields = [*SETPOINT]
        read_only_fields = fields

    @extend_schema_field(PowersField())
    def get_power_kw(self, setpoint: Setpoint) -> list[float | None]:
        """Return a number for each step, None where it says nothing."""
        return [None if np.isnan(value) else value for value in setpoint.steps.power_kw.tolist()]


class NewSetpointSerializer(serializers.Serializer[Any]):
    """A set-point to queue; it takes the place of what the device was told before, as far as it goes."""

    asset = serializers.IntegerField()
    start = serializers.DateTimeField()
    step_seconds = serializers.IntegerField(min_value=1, max_value=LONGEST_STEP_SECONDS, default=900)
    power_kw = PowersField(min_length=1, max_length=MOST_STEPS)


class SetpointViewSet(TenantViewSet):
    """What devices are told to do, sent over MQTT, and their answers."""

    serializer_class = SetpointSerializer
    needs = {
        "list": permissions.VIEW_SETPOINTS,
        "retrieve": permissions.VIEW_SETPOINTS,
        "create": permissions.SEND_SETPOINTS,
        "cancel": permissions.SEND_SETPOINTS,
    }
    filters = {
        "site": row("site", Site),
        "asset": row("asset", Asset),
        "state": same("state", Setpoint.State.values),
        "source": same("source", Setpoint.Source.values),
        "since": moment("issued_at__gte", "Issued at this time or later"),
    }
    orderings = ("issued_at", "start")
    examples = {
        "list": Example(answer=SETPOINT),
        "retrieve": Example(answer=SETPOINT),
        "create": Example(request=ASKED, answer=SETPOINT),
        "cancel": Example(answer={**SETPOINT, "state": "cancelled", "ended_at": "2026-11-21T12:10:00Z"}),
    }

    def get_queryset(self) -> "QuerySet[Setpoint]":
        """Return the organization's set-points."""
        return Setpoint.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of set-points."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one set-point."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=NewSetpointSerializer, responses={201: SetpointSerializer})
    def create(self, request: Request) -> Response:
        """Tell a device what to do; it is sent at once, and its answer is in `state`."""
        form = NewSetpointSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        asset = cast("Asset", self.own_row("asset", asked["asset"], Asset.objects.select_related("site")))
        power_kw = [np.nan if value is None else value for value in asked["power_kw"]]
        wanted = NewSetpoint(
            asset=asset,
            start=asked["start"],
            step_seconds=asked["step_seconds"],
            power_kw=power_kw,
            origin=f"API token {self.token.name}",
        )
        (made,) = queue_setpoints(
            organization=self.organization, setpoints=[wanted], source=Setpoint.Source.MANUAL, prefix=""
        )
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=SetpointSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Take a set-point back; its device is told that there is none any more."""
        return Response(self.get_serializer(cancel_setpoint(setpoint=self.get_object())).data)
