"""The platform's own resources: jobs, audit events and the token that asks."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from flexplatform.accounts import permissions
from flexplatform.accounts.models import ApiToken, AuditEvent, Door
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import moment, same
from flexplatform.api.schema import Example
from flexplatform.jobs.models import Job
from flexplatform.jobs.queries import may_cancel, visible_jobs
from flexplatform.jobs.services import cancel

JOB: dict[str, Any] = {
    "id": 7,
    "kind": "schedule_site",
    "title": "Plan Dachau 1 on 22 November 2026",
    "status": "queued",
    "idempotency_key": "dachau-1-2026-11-22",
    "progress": 0.0,
    "progress_text": "",
    "result": {},
    "error": "",
    "created_at": "2026-11-21T12:00:00Z",
    "started_at": None,
    "finished_at": None,
}
EVENT: dict[str, Any] = {
    "id": 12,
    "at": "2026-11-21T12:00:00Z",
    "actor_label": "Trading desk (flx_0123456789abcdef)",
    "door": "api",
    "action": "site.change",
    "object_type": "assets.site",
    "object_id": "1",
    "object_label": "Dachau 1",
    "before": {"import_limit_kw": None},
    "after": {"import_limit_kw": 30.0},
    "ip": "192.0.2.10",
}
TOKEN: dict[str, Any] = {
    "name": "Trading desk",
    "key": "0123456789abcdef",
    "organization": "north",
    "may": ["offers.export", "offers.view", "schedules.run", "schedules.view", "sites.view"],
    "expires_at": None,
    "allowed_networks": [],
    "created_at": "2026-11-21T11:00:00Z",
    "last_used_at": "2026-11-21T12:00:00Z",
}


class JobSerializer(serializers.ModelSerializer[Job]):
    """Background work, from the request to its one terminal state."""

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "title",
            "status",
            "idempotency_key",
            "progress",
            "progress_text",
            "result",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class JobViewSet(TenantViewSet):
    """Background work of the organization."""

    serializer_class = JobSerializer
    needs = {"list": permissions.VIEW_JOBS, "retrieve": permissions.VIEW_JOBS, "cancel": permissions.CANCEL_JOBS}
    filters = {"status": same("status", Job.Status.values), "kind": same("kind")}
    orderings = ("created_at",)
    examples = {
        "list": Example(answer=JOB),
        "retrieve": Example(answer=JOB),
        "cancel": Example(answer=JOB | {"status": "cancelled", "finished_at": "2026-11-21T12:00:04Z"}),
    }

    def get_queryset(self) -> QuerySet[Job]:
        """Return the jobs whose kind the token may view."""
        return visible_jobs(self.organization, self.token)

    def list(self, request: Request) -> Response:
        """Answer a page of jobs, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one job."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """End a waiting job, ask a running one to stop; a finished one stays as it is."""
        job = self.get_object()
        if not job.finished and not may_cancel(job, self.token):
            raise PermissionDenied(f"The token may not stop a job of kind {job.kind}.")
        return Response(self.get_serializer(job if job.finished else cancel(job=job)).data)


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """Who did what to which row through which door."""

    before = serializers.DictField(read_only=True, allow_null=True)
    after = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "at",
            "actor_label",
            "door",
            "action",
            "object_type",
            "object_id",
            "object_label",
            "before",
            "after",
            "ip",
        ]
        read_only_fields = fields


class AuditEventViewSet(TenantViewSet):
    """What was written in the organization; events are never changed."""

    serializer_class = AuditEventSerializer
    needs = {"list": permissions.VIEW_AUDIT}
    filters = {
        **{name: same(name) for name in ("action", "object_type", "object_id")},
        "door": same("door", Door.values),
        "since": moment("at__gte", "Not before this time"),
        "until": moment("at__lt", "Before this time"),
    }
    orderings = ("at",)
    examples = {"list": Example(answer=EVENT)}

    def get_queryset(self) -> QuerySet[AuditEvent]:
        """Return the organization's events."""
        return AuditEvent.objects.filter(organization=self.organization)

    def list(self, request: Request) -> Response:
        """Answer a page of events, newest first."""
        return self.page(self.get_queryset())


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """The token that asks, without its secret."""

    organization = serializers.SlugField(source="organization.slug")
    may = serializers.SerializerMethodField()

    class Meta:
        model = ApiToken
        fields = ["name", "key", "organization", "may", "expires_at", "allowed_networks", "created_at", "last_used_at"]
        read_only_fields = fields

    def get_may(self, token: ApiToken) -> list[str]:
        """Return the permissions that the token has now."""
        return sorted(token.granted)


class TokenViewSet(TenantViewSet):
    """The token that asks: its organization, and what it may do now."""

    serializer_class = TokenSerializer
    pagination_class = None
    needs = {"list": None}
    examples = {"list": Example(answer=TOKEN)}

    @extend_schema(responses=forced_singular_serializer(TokenSerializer))
    @extend_schema(responses=TokenSerializer(many=False))
    def list(self, request: Request) -> Response:
        """Answer the token."""
        return Response(self.get_serializer(self.token).data)


def accepted(job: Job, request: Request) -> Response:
    """Return the answer to a request for work: 202 with the job and its address."""
    address = reverse("api:jobs-detail", args=[job.pk], request=request)
    return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED, headers={"Location": address})
