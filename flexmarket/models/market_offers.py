"""Offers on a market, and what was ordered of them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models import Asset, Checked, Portfolio, Site
from flexmarket.engine.market.joint import Part
from flexmarket.engine.market.orders import OrderTerms
from flexmarket.engine.market.states import OfferState
from flexmarket.engine.offer import PriceStep
from flexmarket.models.products import MarketProduct, decimal_field
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField
from flexplatform.jobs.models import Job
from optimization.models import ScheduleRun

STATE_LABELS = {
    OfferState.DRAFT: _("Draft"),
    OfferState.VALIDATED: _("Validated"),
    OfferState.SUBMITTED: _("Submitted"),
    OfferState.PARTLY_ORDERED: _("Partly ordered"),
    OfferState.ORDERED: _("Ordered"),
    OfferState.ACTIVATED: _("Activated"),
    OfferState.DELIVERED: _("Delivered"),
    OfferState.METERED: _("Metered"),
    OfferState.SETTLED: _("Settled"),
    OfferState.EXPIRED: _("Expired"),
    OfferState.REVOKED: _("Revoked"),
    OfferState.REJECTED: _("Rejected"),
    OfferState.DISPUTED: _("Disputed"),
}


class MarketOffer(Checked):  # type: ignore[django-manager-missing]
    """A change of consumption that a device, a site or a portfolio can hold, against the plan that was its baseline.

    Power (kW) and energy (kWh) are magnitudes; `direction` says what the grid gets. Series are in the house's sign
    (positive for consumption): `change_kw` is the whole power over the steps of the offer, `baseline_kw` the promised
    power in them, `rebound_kw` what the call moves in the rest of the plan's horizon.
    """

    class Direction(models.TextChoices):
        """As the grid sees it."""

        POSITIVE = "positive", _("More power for the grid")
        NEGATIVE = "negative", _("Less power for the grid")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey(MarketProduct, on_delete=models.RESTRICT, related_name="offers")
    portfolio = models.ForeignKey(Portfolio, null=True, blank=True, on_delete=models.RESTRICT, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.RESTRICT, related_name="+")
    asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.RESTRICT, related_name="+", help_text="Empty: the whole site"
    )
    part_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="parts", help_text="A portfolio's offer"
    )
    run = models.ForeignKey(
        ScheduleRun, null=True, blank=True, on_delete=models.RESTRICT, related_name="+", help_text="The baseline"
    )
    method = models.CharField(max_length=40, help_text="How it was quantified")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    start = models.DateTimeField()
    step_seconds = models.PositiveIntegerField()
    count = models.PositiveIntegerField(help_text="Number of steps")
    power_kw = decimal_field("Most power that can be called")
    minimum_power_kw = decimal_field("Least power that can be called; the whole power where no part can be called")
    power_step_kw = decimal_field("A partial call is a multiple of it; 0: any power")
    energy_kwh = decimal_field("Of the whole call")
    prices = models.JSONField(default=list, help_text="Power up to which, kW, and price of each kWh, rising")
    cost_eur = models.DecimalField(
        max_digits=16, decimal_places=6, default=Decimal(0), help_text="What the whole call costs the owner"
    )
    availability_price_per_kw_h = decimal_field("For each kW and hour on offer, called or not")
    change_kw = SeriesField()
    baseline_kw = SeriesField()
    rebound_kw = SeriesField(null=True)
    exclusive_group = models.CharField(
        max_length=100, blank=True, help_text="Of offers with the same name only one can be called"
    )
    valid_until = models.DateTimeField()
    gate_closes_at = models.DateTimeField()
    versions = models.JSONField(default=dict, help_text="Plan, forecasts and solver that it rests on")
    state = models.CharField(max_length=20, choices=list(STATE_LABELS.items()), default=OfferState.DRAFT)
    reason = models.TextField(blank=True, help_text="Why it is in this state")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["MarketOffer"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["start", "id"]
        indexes = [
            models.Index(fields=["organization", "state", "start"], name="market_offer_by_state"),
            models.Index(fields=["site", "start"], name="market_offer_of_site"),
        ]
        constraints = [
            models.CheckConstraint(
                name="market_offer_of_site_or_portfolio",
                condition=models.Q(site__isnull=False, portfolio=None, run__isnull=False)
                | models.Q(site=None, asset=None, run=None, portfolio__isnull=False),
            ),
            models.CheckConstraint(
                name="market_offer_state_known", condition=models.Q(state__in=[state.value for state in OfferState])
            ),
            models.CheckConstraint(
                name="market_offer_direction_known", condition=models.Q(direction__in=["positive", "negative"])
            ),
            models.CheckConstraint(
                name="market_offer_has_power",
                condition=models.Q(
                    power_kw__gt=0, minimum_power_kw__gte=0, minimum_power_kw__lte=models.F("power_kw"), count__gte=1
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"Offer {self.pk}"

    @property
    def plan(self) -> ScheduleRun:
        """The plan that is its baseline.

        Raises:
            LookupError: for an offer of a portfolio, which has one per site.
        """
        if self.run is None:
            raise LookupError(f"{self} is of a portfolio; its parts have plans.")
        return self.run

    @property
    def reference(self) -> str:
        """Its name on the market."""
        return f"FX-{self.pk}"

    @property
    def owner(self) -> str:
        """What offers: the portfolio, or the site and where there is one the device."""
        if self.site is None:
            return str(self.portfolio)
        return f"{self.site}: {self.asset.name}" if self.asset else str(self.site)

    @property
    def end(self) -> datetime:
        """End of its last step."""
        return self.start + timedelta(seconds=self.step_seconds * self.count)

    @property
    def is_joint(self) -> bool:
        """Whether it is of a portfolio, whose sites each give a part."""
        return self.portfolio_id is not None

    @property
    def part(self) -> Part:
        """What its site can give of a joint call."""
        return Part(least_kw=float(self.minimum_power_kw), prices=self.price_steps)

    @property
    def price_steps(self) -> list[PriceStep]:
        """Its prices as the engine takes them."""
        return [PriceStep(up_to_kw=float(up_to_kw), price_eur_per_kwh=float(price)) for up_to_kw, price in self.prices]

    @property
    def hours(self) -> float:
        """How long the call lasts."""
        return self.step_seconds * self.count / 3600

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of its market day."""
        if self.site is not None:
            return self.site.zone
        return ZoneInfo(self.portfolio.time_zone if self.portfolio is not None else "UTC")

    @property
    def mean_price(self) -> Decimal:
        """Price in EUR/kWh of a call of the whole power."""
        total, before = Decimal(0), Decimal(0)
        for up_to_kw, price in self.prices:
            total += (Decimal(str(up_to_kw)) - before) * Decimal(str(price))
            before = Decimal(str(up_to_kw))
        return total / before if before else Decimal(0)

    @property
    def terms(self) -> OrderTerms:
        """What an order is checked against."""
        return OrderTerms(
            state=OfferState(self.state),
            positive=self.direction == self.Direction.POSITIVE,
            start=self.start,
            step=timedelta(seconds=self.step_seconds),
            count=self.count,
            zone=self.zone,
            power_kw=float(self.power_kw),
            minimum_power_kw=float(self.minimum_power_kw),
            power_step_kw=float(self.power_step_kw),
            prices=self.price_steps,
            valid_until=self.valid_until,
            gate_closes_at=self.gate_closes_at,
            has_baseline=self.run_id is not None or self.portfolio_id is not None,
        )


class Order(Checked):  # type: ignore[django-manager-missing]
    """What somebody called of an offer; refused orders are not stored, they change nothing.

    An order of a portfolio's offer has one order per called site as its `parts`, and stands where they stand.
    `change_kw` is the called change of consumption over the steps of the offer, positive for consumption.
    """

    class State(models.TextChoices):
        """How far its activation is."""

        ACCEPTED = "accepted", _("Accepted")
        ACTIVATED = "activated", _("Activated")
        PARTLY = "partly", _("Partly activated")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    offer = models.OneToOneField(MarketOffer, on_delete=models.RESTRICT, related_name="order")
    part_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="parts", help_text="A portfolio's order"
    )
    reference = models.CharField(max_length=130, help_text="The caller's name for it; the same twice is one order")
    request = models.JSONField(default=dict, help_text="As it came")
    power_kw = decimal_field("Magnitude that is called")
    price_per_kwh = models.DecimalField(max_digits=14, decimal_places=6, help_text="Mean price of the called power")
    change_kw = SeriesField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACCEPTED)
    reason = models.TextField(blank=True, help_text="Why the activation failed, or what it could not keep")
    received_at = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="The job that activates it"
    )
    run = models.ForeignKey(
        ScheduleRun,
        null=True,
        blank=True,
        on_delete=models.RESTRICT,
        related_name="+",
        help_text="The plan with the call",
    )

    objects: ClassVar[models.Manager["Order"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="order_reference_unique"),
            models.CheckConstraint(
                name="order_state_known",
                condition=models.Q(state__in=["accepted", "activated", "partly", "delivered", "failed"]),
            ),
            models.CheckConstraint(name="order_has_power", condition=models.Q(power_kw__gt=0)),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def plan(self) -> ScheduleRun:
        """The plan with the call.

        Raises:
            LookupError: before it is activated.
        """
        if self.run is None:
            raise LookupError(f"{self} is not activated; it has no plan.")
        return self.run

    @property
    def energy_kwh(self) -> Decimal:
        """Energy of the call, a magnitude."""
        return self.power_kw * self.offer.step_seconds * self.offer.count / 3600
