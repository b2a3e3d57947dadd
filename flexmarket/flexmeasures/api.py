"""What is reflected in FlexMeasures, in the API: every site and device with its id there, and a push now.

The server and its account are set in the portal only.
"""

from typing import Any

from django.core.exceptions import ValidationError as Refused
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Site
from flexmarket.flexmeasures import services
from flexmarket.models import FlexMeasuresLink
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import row, same
from flexplatform.api.resources import JOB, JobSerializer, accepted
from flexplatform.api.schema import Example

LINK = {
    "id": 1,
    "kind": "device",
    "site": 1,
    "asset": 3,
    "remote_id": 11,
    "tried_at": "2026-11-21T12:05:02Z",
    "pushed_at": "2026-11-21T12:05:01Z",
    "failed_at": None,
    "error": "",
}


class LinkSerializer(serializers.ModelSerializer[FlexMeasuresLink]):
    """A site or device, and the asset that it is in FlexMeasures."""

    class Meta:
        model = FlexMeasuresLink
        fields = [*LINK]
        read_only_fields = fields


class PushAskedSerializer(serializers.Serializer[Any]):
    """What is pushed."""

    site = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="Id of a site; without it all sites"
    )


class FlexMeasuresLinkViewSet(TenantViewSet):
    """Sites and devices that are reflected in FlexMeasures."""

    serializer_class = LinkSerializer
    needs = {
        "list": permissions.VIEW_SCHEDULES,
        "retrieve": permissions.VIEW_SCHEDULES,
        "push": permissions.RUN_SCHEDULES,
    }
    filters = {"site": row("site", Site), "kind": same("kind", FlexMeasuresLink.Kind.values)}
    keyed_by_job = frozenset({"push"})
    examples = {
        "list": Example(answer=LINK),
        "retrieve": Example(answer=LINK),
        "push": Example(
            request={"site": 1}, answer=JOB | {"kind": services.PUSH, "title": "Push Home to FlexMeasures"}
        ),
    }

    def get_queryset(self) -> "QuerySet[FlexMeasuresLink]":
        """Return the organization's links."""
        return FlexMeasuresLink.objects.order_by("-pk")

    def list(self, request: Request) -> Response:
        """Answer a page of links."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer a link."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=PushAskedSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def push(self, request: Request) -> Response:
        """Push a site or all sites now; the answer is the job that does it."""
        form = PushAskedSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        pk, site = form.validated_data["site"], None
        if pk is not None:
            site = Site.objects.filter(organization=self.organization, pk=pk).first()
            if site is None:
                raise Refused({"site": f"site is {pk}; allowed: the id of a site of the organization."})
        job = services.request_push(organization=self.organization, site=site, idempotency_key=self.idempotency_key)
        return accepted(job, request)
