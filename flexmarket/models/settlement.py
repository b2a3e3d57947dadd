"""What calls delivered, and the statements that say who is paid what for it."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models import Checked
from flexmarket.models.immutable import Immutable, ImmutableError, ImmutableManager
from flexmarket.models.market_offers import Order
from flexmarket.models.products import Contract, share_field
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField


def money_field(help_text: str) -> "models.DecimalField[Decimal, Decimal]":
    """Return a column for an amount in cents."""
    return models.DecimalField(max_digits=14, decimal_places=2, default=Decimal(0), help_text=help_text)


def energy_field(help_text: str) -> "models.DecimalField[Decimal, Decimal]":
    """Return a column for an energy, kWh."""
    return models.DecimalField(max_digits=16, decimal_places=6, default=Decimal(0), help_text=help_text)


class Delivery(Immutable, Checked):  # type: ignore[django-manager-missing]
    """What one order delivered by one reading of its meter; a later version replaces it until it is settled.

    Series in kW over the steps of the call, positive for consumption; NaN where the meter said nothing.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.RESTRICT, related_name="deliveries")
    version = models.PositiveIntegerField(default=1)
    baseline_method = models.CharField(max_length=20)
    baseline_kw = SeriesField()
    measured_kw = SeriesField()
    ordered_kwh = energy_field("Ordered, a magnitude")
    delivered_kwh = energy_field("Delivered and counted, at most what was ordered")
    missing_kwh = energy_field("Short of the order")
    unmeasured_steps = models.PositiveIntegerField(
        default=0, help_text="Steps without a measurement: not paid, not fined"
    )
    payment = money_field("For what was delivered")
    penalty = money_field("For what was missing")
    amount = money_field("Payment less penalty")
    metered_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Delivery"]] = ScopedManager(
        _manager_class=ImmutableManager, organization="organization"
    )

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-metered_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "version"], name="delivery_version_unique"),
        ]

    FIXED = models.Q(lines__statement__state__in=["closed", "corrected"])

    def __str__(self) -> str:
        return f"{self.order} delivered {self.delivered_kwh:.3f} of {self.ordered_kwh:.3f} kWh"


class Statement(Immutable, Checked):  # type: ignore[django-manager-missing]
    """The account of a contract, or of all sites without one, over a local month; closed, it never changes again."""

    class State(models.TextChoices):
        """Where it is."""

        DRAFT = "draft", _("Draft")
        CLOSED = "closed", _("Closed")
        CORRECTED = "corrected", _("Corrected by a later version")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    contract = models.ForeignKey(Contract, null=True, blank=True, on_delete=models.RESTRICT, related_name="+")
    contract_name = models.CharField(max_length=200, help_text="As it was when the statement was made")
    owner_share = share_field("As it was when the statement was made")
    month = models.DateField(help_text="First day")
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    currency = models.CharField(max_length=3, default="EUR")
    amount = money_field("What the market pays; below 0 it is owed to the market")
    owner_amount = money_field("The owner's share")
    aggregator_amount = money_field("The aggregator's share")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Statement"]] = ScopedManager(
        _manager_class=ImmutableManager, organization="organization"
    )

    class Meta:
        ordering = ["-month", "contract_name", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "month", "currency", "version"], name="statement_version_unique"
            ),
            models.UniqueConstraint(
                fields=["organization", "month", "currency", "version"],
                condition=models.Q(contract=None),
                name="statement_without_contract_unique",
            ),
            models.CheckConstraint(
                name="statement_state_known", condition=models.Q(state__in=["draft", "closed", "corrected"])
            ),
            models.CheckConstraint(
                name="statement_closed_has_time",
                condition=models.Q(state="draft", closed_at=None) | models.Q(closed_at__isnull=False),
            ),
        ]

    FIXED = models.Q(state__in=["closed", "corrected"])
    # A later version says of an earlier one that it is corrected; nothing else of it changes.
    STILL_CHANGES: ClassVar[dict[str, Any]] = {"state": State.CORRECTED}

    def __str__(self) -> str:
        return f"{self.contract_name}, {self.month:%B %Y}, version {self.version}"

    @property
    def next_month(self) -> date:
        """First day after its month."""
        return date(self.month.year + self.month.month // 12, self.month.month % 12 + 1, 1)


class StatementLine(Immutable):  # type: ignore[django-manager-missing]
    """One delivery in a statement, with the names as they were."""

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="lines")
    delivery = models.ForeignKey(Delivery, on_delete=models.RESTRICT, related_name="lines")
    order = models.CharField(max_length=100, help_text="Reference of the order")
    product = models.CharField(max_length=200)
    portfolio = models.CharField(max_length=200, blank=True)
    site = models.CharField(max_length=200)
    asset = models.CharField(max_length=200, blank=True, help_text="Empty: the whole site")
    start = models.DateTimeField()
    end = models.DateTimeField()
    ordered_kwh = energy_field("Ordered")
    delivered_kwh = energy_field("Delivered and counted")
    missing_kwh = energy_field("Short of the order")
    unmeasured_steps = models.PositiveIntegerField(default=0)
    payment = money_field("For what was delivered")
    penalty = money_field("For what was missing")
    amount = money_field("Payment less penalty")
    owner_amount = money_field("The owner's share")
    aggregator_amount = money_field("The aggregator's share")

    objects: ClassVar[models.Manager["StatementLine"]] = ScopedManager(
        _manager_class=ImmutableManager, organization="statement__organization"
    )

    class Meta:
        ordering = ["start", "id"]
        constraints = [models.UniqueConstraint(fields=["statement", "delivery"], name="statement_line_once")]

    FIXED = models.Q(statement__state__in=["closed", "corrected"])

    def __str__(self) -> str:
        return f"{self.order}: {self.amount}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the line.

        Raises:
            ImmutableError: in a statement that is closed.
        """
        if self.statement.state != Statement.State.DRAFT:
            raise ImmutableError(self.statement)
        super().save(*args, **kwargs)


class Dispute(Checked):
    """Somebody's doubt about a line of a closed statement, and how it ended."""

    class State(models.TextChoices):
        """How far it is."""

        OPEN = "open", _("Open")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    line = models.ForeignKey(StatementLine, on_delete=models.RESTRICT, related_name="disputes")
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["Dispute"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["line"], condition=models.Q(state="open"), name="dispute_open_once_per_line"
            ),
            models.CheckConstraint(
                name="dispute_state_known", condition=models.Q(state__in=["open", "accepted", "refused"])
            ),
        ]

    def __str__(self) -> str:
        return f"Dispute about {self.line}"
