"""What devices are told to do, how far that got, and where plans may tell it."""

from datetime import datetime
from typing import ClassVar, cast
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models import Asset, Site
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField
from telemetry.engine.setpoints import Powers, Steps


class Setpoint(models.Model):
    """The powers of a device in equal steps, kW, positive for consumption; NaN where a step says nothing.

    The row is the outbox too: what is `queued` is sent, under the same `message_id` however often that takes. The
    message lies at the broker until `valid_until`; `withdrawal` says that it has to be taken from there.
    """

    class State(models.TextChoices):
        """How far it got. A device that answered stays with its answer, also when the time is over."""

        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        REFUSED = "refused", _("refused")
        EXPIRED = "expired", _("expired")
        SUPERSEDED = "superseded", _("superseded")
        CANCELLED = "cancelled", _("cancelled")

    class Source(models.TextChoices):
        """Who wants it."""

        SCHEDULE = "schedule", _("plan")
        MANUAL = "manual", _("by hand")
        ACTIVATION = "activation", _("activation")

    WAITING = (State.QUEUED, State.SENT)
    OPEN = (*WAITING, State.ACKNOWLEDGED)

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    message_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    source = models.CharField(max_length=20, choices=Source.choices)
    origin = models.CharField(max_length=100, blank=True, help_text="What it was made of, such as a schedule run")
    start = models.DateTimeField()
    step_seconds = models.PositiveIntegerField()
    power_kw = SeriesField()
    valid_until = models.DateTimeField(help_text="End of the last step")
    held_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then its powers were told by hand, and no plan changes them"
    )
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    issued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the broker had it")
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When the device's answer was received")
    reason = models.CharField(max_length=500, blank=True, help_text="Why the device refuses it")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it expired, was superseded or cancelled")
    withdrawal = models.BooleanField(default=False, help_text="Whether the broker still has to forget it")

    objects: ClassVar[models.Manager["Setpoint"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-issued_at", "-id"]
        indexes = [
            models.Index(fields=["organization", "-issued_at", "-id"], name="setpoint_newest"),
            models.Index(fields=["asset", "-issued_at"], name="setpoint_of_asset"),
            models.Index(
                fields=["state", "valid_until"],
                name="setpoint_waiting",
                condition=models.Q(state__in=["queued", "sent"]),
            ),
            models.Index(fields=["id"], name="setpoint_withdrawn", condition=models.Q(withdrawal=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["asset"], condition=models.Q(state__in=["queued", "sent"]), name="setpoint_waits_once"
            ),
            models.CheckConstraint(name="setpoint_has_steps", condition=models.Q(step_seconds__gte=1)),
            models.CheckConstraint(name="setpoint_not_empty", condition=models.Q(valid_until__gt=models.F("start"))),
            models.CheckConstraint(
                name="setpoint_state_known",
                condition=models.Q(
                    state__in=["queued", "sent", "acknowledged", "refused", "expired", "superseded", "cancelled"]
                ),
            ),
            models.CheckConstraint(
                name="setpoint_sent_has_time", condition=~models.Q(state="sent") | models.Q(sent_at__isnull=False)
            ),
            models.CheckConstraint(
                name="setpoint_answer_has_time",
                condition=~models.Q(state__in=["acknowledged", "refused"]) | models.Q(answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="setpoint_end_has_time",
                condition=~models.Q(state__in=["expired", "superseded", "cancelled"])
                | models.Q(ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} from {self.start:%Y-%m-%d %H:%M} UTC"

    @property
    def steps(self) -> Steps:
        """Its powers over time."""
        return Steps(self.start, self.step_seconds, cast("Powers", self.power_kw))

    def is_live(self, now: datetime) -> bool:
        """Return whether a device should follow it now or later."""
        return self.state in self.OPEN and self.valid_until > now


class PlanDispatch(models.Model):
    """Whether new plans become set-points: of a site, or of all sites without a row where `site` is empty."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    enabled = models.BooleanField()
    changed_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["PlanDispatch"]] = ScopedManager(organization="organization")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(site=None), name="plan_dispatch_of_organization_unique"
            ),
            models.UniqueConstraint(
                fields=["site"], condition=models.Q(site__isnull=False), name="plan_dispatch_of_site_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site or self.organization}: plans are {'sent' if self.enabled else 'not sent'}"
