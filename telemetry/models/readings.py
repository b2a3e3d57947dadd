"""What was measured, what was summed up of it, and what was refused."""

from typing import Any, ClassVar

from django.db import models
from django_scopes import ScopedManager

from flexplatform.accounts.models import Organization
from telemetry.models.channel import Channel
from telemetry.models.moments import MomentField

LONGEST_RAW = 1024
UNCHECKED: dict[str, Any] = {"related_name": "+", "db_constraint": False, "db_index": False}


class Reading(models.Model):
    """A value of a channel at a time, in the channel's unit and sign, and when it was received.

    The first value of a time stays. The table is made by hand for each database (see the migration): by day on
    PostgreSQL, without row ids on SQLite. No foreign key is checked, as that would cost more than the row itself.
    """

    pk = models.CompositePrimaryKey("channel_id", "time")
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    time = MomentField()
    value = models.FloatField()
    received_at = MomentField()

    objects: ClassVar[models.Manager["Reading"]] = ScopedManager(organization="channel__organization")

    def __str__(self) -> str:
        return f"{self.channel_id} {self.time:%Y-%m-%d %H:%M:%S}: {self.value}"


class Rollup(models.Model):
    """The readings of a channel in a quarter-hour: how many, their sum, the lowest and the highest."""

    pk = models.CompositePrimaryKey("channel_id", "start")
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    start = MomentField()
    count = models.IntegerField()
    total = models.FloatField()
    lowest = models.FloatField()
    highest = models.FloatField()

    objects: ClassVar[models.Manager["Rollup"]] = ScopedManager(organization="channel__organization")

    def __str__(self) -> str:
        return f"{self.channel_id} {self.start:%Y-%m-%d %H:%M}: {self.count} readings"


class QuarterMark(models.Model):
    """How often the roll-ups of an organization's quarter-hour have changed: sums over them hold while it stays."""

    pk = models.CompositePrimaryKey("organization_id", "start")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, **UNCHECKED)
    start = MomentField()
    number = models.BigIntegerField()

    objects: ClassVar[models.Manager["QuarterMark"]] = ScopedManager(organization="organization")

    def __str__(self) -> str:
        return f"{self.organization_id} {self.start:%Y-%m-%d %H:%M}: {self.number}"


class DeadLetter(models.Model):
    """A message that was refused, once for each different one, and how often it came.

    `organization` is empty where the message names none. `raw` holds the first kilobyte of `size` bytes.
    """

    organization = models.ForeignKey(Organization, null=True, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)
    source = models.CharField(max_length=500, help_text="The topic that it came by")
    reason = models.CharField(max_length=500)
    raw = models.BinaryField(max_length=LONGEST_RAW)
    size = models.PositiveIntegerField(help_text="Bytes of the whole message")
    count = models.PositiveIntegerField()
    first_at = MomentField()
    last_at = MomentField()

    objects: ClassVar[models.Manager["DeadLetter"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-last_at"]
        indexes = [models.Index(fields=["organization", "-last_at"], name="dead_letter_newest")]

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"

    @property
    def text(self) -> str:
        """The raw message as far as it can be shown."""
        return bytes(self.raw).decode(errors="replace")

    @property
    def whole(self) -> bool:
        """Whether the raw message is there as a whole, so that it can be tried again."""
        return self.size == len(bytes(self.raw))
