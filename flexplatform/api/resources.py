"""The platform's own resources: jobs, audit events and the token that asks."""

from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from flexplatform.accounts import permissions
from flexplatform.accounts.models import ApiToken, AuditEvent
from flexplatform.api.base import TenantViewSet
from flexplatform.jobs.models import Job
from flexplatform.jobs.queries import may_cancel, visible_jobs
from flexplatform.jobs.services import cancel


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

    def get_queryset(self) -> QuerySet[Job]:
        """Return the jobs whose kind the token may view."""
        return visible_jobs(self.organization, self.token)

    @extend_schema(parameters=[OpenApiParameter("status", str, enum=Job.Status.values)])
    def list(self, request: Request) -> Response:
        """Answer a page of jobs, newest first."""
        jobs, wanted = self.get_queryset(), request.query_params.get("status")
        if wanted is not None:
            if wanted not in Job.Status.values:
                raise ValidationError({"status": f"status is {wanted}; allowed: {', '.join(Job.Status.values)}."})
            jobs = jobs.filter(status=wanted)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(jobs), many=True).data)

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

    def get_queryset(self) -> QuerySet[AuditEvent]:
        """Return the organization's events."""
        return AuditEvent.objects.filter(organization=self.organization)

    @extend_schema(
        parameters=[OpenApiParameter(name, str) for name in ("action", "door", "object_type", "object_id", "since")]
    )
    def list(self, request: Request) -> Response:
        """Answer a page of events, newest first, filtered by equality and by the earliest time `since`."""
        asked: dict[str, Any] = request.query_params.dict()
        events = self.get_queryset()
        for name in ("action", "door", "object_type", "object_id"):
            if name in asked:
                events = events.filter(**{name: asked[name]})
        if "since" in asked:
            events = events.filter(at__gte=_moment(asked["since"]))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(events), many=True).data)


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

    def list(self, request: Request) -> Response:
        """Answer the token."""
        return Response(self.get_serializer(self.token).data)


def accepted(job: Job, request: Request) -> Response:
    """Return the answer to a request for work: 202 with the job and its address."""
    address = reverse("api:jobs-detail", args=[job.pk], request=request)
    return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED, headers={"Location": address})


def _moment(text: str) -> Any:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationError({"since": f"since is {text}; allowed: a time such as 2026-01-31T12:00:00Z."})
    return moment
