"""What messages of devices with a language of their own mean, what they sent last, and what they propose."""

from collections.abc import Iterable
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django_scopes import ScopedManager

from assets.models import Checked
from flexplatform.accounts.models import Organization
from telemetry.engine.mapping import (
    CONSUMPTION,
    LONGEST_TOPIC,
    MEANINGS,
    PRODUCTION,
    MappingProblem,
    MappingSpec,
    Rule,
    compiled_rule,
    topic_filter,
)
from telemetry.engine.paths import LONGEST_PATH, read_path
from telemetry.models.channel import quantity_choices
from telemetry.models.devices import DeviceCredential
from telemetry.models.moments import MomentField

LONGEST_RECENT = 4096
SIGNS = {CONSUMPTION: "consumption", PRODUCTION: "production"}


def meaning_choices() -> list[tuple[str, str]]:
    """Return what a value can be; a function, so that a new quantity needs no migration."""
    return [(name, name) for name in MEANINGS]


class Mapping(Checked):  # type: ignore[django-manager-missing]
    """How messages of a credential, or of all of the organization's where that is empty, become readings.

    Its topics are the device's own: what stands behind the prefix that the credential publishes below.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    credential = models.ForeignKey(
        DeviceCredential,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Whose messages it is for; empty: those of every credential",
    )
    name = models.CharField(max_length=100)
    topic = models.CharField(
        max_length=LONGEST_TOPIC,
        help_text="Such as tele/{device}/SENSOR; + stands for any level, # at the end for all that follows",
    )
    time_path = models.CharField(
        max_length=LONGEST_PATH,
        blank=True,
        help_text="Where the time stands in the payload, such as params.ts; empty: a value counts from its receipt",
    )
    is_active = models.BooleanField("active", default=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["Mapping"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["credential", "name"],
                condition=models.Q(credential__isnull=False),
                name="mapping_of_credential_unique",
            ),
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(credential__isnull=True),
                name="mapping_of_organization_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a topic filter or a path that is none."""
        super().clean()
        try:
            topic_filter(self.topic)
        except MappingProblem as problem:
            raise ValidationError({"topic": str(problem)}) from problem
        try:
            read_path(self.time_path)
        except ValueError as error:
            raise ValidationError({"time_path": f"In time_path {error}"}) from error

    def spec(self, rules: "Iterable[MappingRule]") -> MappingSpec:
        """Return what the engine takes."""
        return MappingSpec(
            name=self.name, topic=self.topic, time_path=self.time_path, rules=[rule.spec() for rule in rules]
        )


class MappingRule(models.Model):
    """One value of a mapping's messages, and the quantity of the device that it is."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="rules")
    path = models.CharField(
        max_length=LONGEST_PATH,
        blank=True,
        help_text="Such as ENERGY.Power, params.em:0.act_power, list[0]; empty: the payload is the value",
    )
    asset = models.CharField(
        "device",
        max_length=100,
        blank=True,
        help_text="Name of the device, such as pv or {device}; empty: what the credential is for",
    )
    quantity = models.CharField(max_length=60, choices=meaning_choices)
    unit = models.CharField(max_length=20, blank=True, help_text="Of the number; empty: the quantity's own")
    sign = models.CharField(max_length=20, choices=SIGNS, default=CONSUMPTION, help_text="What values above zero are")

    objects: ClassVar[models.Manager["MappingRule"]] = ScopedManager(organization="mapping__organization")

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(name="mapping_rule_sign_known", condition=models.Q(sign__in=list(SIGNS)))]

    def __str__(self) -> str:
        return f"{self.path or 'payload'}: {self.asset}.{self.quantity}"

    def clean(self) -> None:
        """Refuse what the engine refuses."""
        super().clean()
        try:
            topic = topic_filter(self.mapping.topic)
        except MappingProblem:
            # The mapping itself says so.
            return
        try:
            compiled_rule(self.spec(), topic)
        except MappingProblem as problem:
            raise ValidationError({problem.field: str(problem)}) from problem

    def spec(self) -> Rule:
        """Return what the engine takes."""
        return Rule(quantity=self.quantity, asset=self.asset, path=self.path, unit=self.unit, sign=self.sign)


class RecentMessage(models.Model):
    """The last message of a topic of a credential, its first kilobytes; few of them are kept per organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    credential = models.ForeignKey(DeviceCredential, on_delete=models.CASCADE, related_name="+")
    topic = models.CharField(max_length=LONGEST_TOPIC)
    payload = models.BinaryField(max_length=LONGEST_RECENT)
    size = models.PositiveIntegerField(help_text="Bytes of the whole message")
    received_at = MomentField()

    objects: ClassVar[models.Manager["RecentMessage"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-received_at"]
        constraints = [models.UniqueConstraint(fields=["credential", "topic"], name="recent_message_topic_unique")]
        indexes = [models.Index(fields=["organization", "-received_at"], name="recent_message_newest")]

    def __str__(self) -> str:
        return self.topic

    @property
    def text(self) -> str:
        """The message as far as it can be shown."""
        return bytes(self.payload).decode(errors="replace")


class ChannelProposal(Checked):
    """A value that a device announced by Home Assistant's discovery; a mapping once it is accepted."""

    class State(models.TextChoices):
        """What a person said."""

        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    credential = models.ForeignKey(DeviceCredential, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=LONGEST_TOPIC, help_text="The topic of the announcement")
    name = models.CharField(max_length=200)
    topic = models.CharField(max_length=LONGEST_TOPIC)
    path = models.CharField(max_length=LONGEST_PATH, blank=True)
    quantity = models.CharField(max_length=60, choices=quantity_choices)
    unit = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.OPEN)
    mapping = models.ForeignKey(Mapping, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    proposed_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["ChannelProposal"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["credential", "source"], name="channel_proposal_source_unique"),
            models.CheckConstraint(
                name="channel_proposal_state_known", condition=models.Q(state__in=["open", "accepted", "refused"])
            ),
        ]

    def __str__(self) -> str:
        return self.name
