"""The record of every write; the database refuses to change or delete a row of it."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from flexplatform.accounts.models.people import Organization, User
from flexplatform.accounts.models.token import ApiToken


class Door(models.TextChoices):
    """Through which part of the platform a write came."""

    PORTAL = "portal", _("Portal")
    ADMIN = "admin", _("Administration")
    API = "api", _("API")
    TASK = "task", _("Background work")
    COMMAND = "command", _("Command line")


class AuditEvent(models.Model):
    """Who did what to which row through which door; without an organization for what concerns the platform.

    Triggers refuse every UPDATE and DELETE (see audit_triggers.py), so rows that an event names cannot be deleted:
    people and tokens are deactivated, and an organization that ever did something stays.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, related_name="+", null=True)
    actor_label = models.CharField("actor", max_length=200)
    door = models.CharField(max_length=10, choices=Door.choices)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField("object", max_length=200)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    ip = models.GenericIPAddressField("IP address", null=True)

    objects: ClassVar[models.Manager["AuditEvent"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["organization", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["organization", "object_type", "object_id", "-id"], name="audit_object"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) | models.Q(token__isnull=True), name="audit_one_actor"
            ),
            models.CheckConstraint(condition=models.Q(door__in=Door.values), name="audit_door_known"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label}: {self.action} {self.object_label}"
