"""One record for every piece of background work, and when each worker was last seen."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from flexplatform.accounts.models import ApiToken, Organization, User
from flexplatform.jobs.registry import Priority, job_kind


def new_key() -> str:
    """Return an idempotency key that no other request has."""
    return uuid.uuid4().hex


class Job(models.Model):
    """Background work of an organization, from the request to its one terminal state.

    `claim` is the token of the attempt that works on it; every write of that attempt is conditional on it.
    """

    class Status(models.TextChoices):
        """Where the job stands."""

        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
    UNFINISHED = frozenset({Status.QUEUED, Status.RUNNING})

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="What it is a part of"
    )
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NOW)
    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    idempotency_key = models.CharField(
        max_length=200, default=new_key, help_text="The same key for the same kind of work gives the same job"
    )
    input = models.JSONField(default=dict)
    progress = models.FloatField(default=0, help_text="From 0 to 1")
    progress_text = models.CharField(max_length=200, blank=True)
    result = models.JSONField(default=dict, help_text="Ids of what was made")
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True, help_text="Who works on it, or did last")
    claim = models.UUIDField(null=True, editable=False)
    cancel_requested = models.BooleanField(default=False)
    requested_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    requested_by_token = models.ForeignKey(ApiToken, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When it was last given to the broker")
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Job"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["status", "heartbeat_at"],
                condition=models.Q(status__in=["queued", "running"]),
                name="job_unfinished",
            ),
            models.Index(fields=["organization", "-id"], name="job_newest_of_organization"),
            models.Index(fields=["priority", "id"], condition=models.Q(status="queued"), name="job_waiting"),
            models.Index(
                fields=["organization", "-started_at"],
                condition=models.Q(priority=Priority.LATER),
                name="job_turns_of_organization",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "idempotency_key"], name="job_key_unique"),
            models.CheckConstraint(
                name="job_status_known",
                condition=models.Q(status__in=["queued", "running", "succeeded", "failed", "cancelled"]),
            ),
            models.CheckConstraint(
                name="job_claimed_while_running",
                condition=models.Q(status="running", claim__isnull=False)
                | (~models.Q(status="running") & models.Q(claim__isnull=True)),
            ),
            models.CheckConstraint(
                name="job_finished_has_time",
                condition=models.Q(status__in=["queued", "running"]) | models.Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="job_progress_is_a_share", condition=models.Q(progress__gte=0, progress__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def finished(self) -> bool:
        """Whether the job has reached its terminal state."""
        return self.status in self.TERMINAL

    @property
    def requester(self) -> User | ApiToken | None:
        """The user or the API token that asked for it; None for the platform itself."""
        return self.requested_by or self.requested_by_token

    @property
    def percent(self) -> int:
        """The progress in whole percent."""
        return round(100 * self.progress)

    @property
    def seconds(self) -> float | None:
        """How long the last attempt took, once the job has ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def kind_label(self) -> str:
        """What the kind is called; its plain name when no app knows it any more."""
        kind = job_kind(self.kind)
        return kind.label if kind else self.kind

    @property
    def result_url(self) -> str | None:
        """The page of what a successful job made, or of what its parts have made so far."""
        kind: Any = job_kind(self.kind)
        shown = kind and (self.status == self.Status.SUCCEEDED or kind.conclude)
        return kind.result_url(self) if shown else None


class Worker(models.Model):
    """A worker process and when it was last seen; it belongs to the platform, to no organization."""

    name = models.CharField(max_length=200, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.name
