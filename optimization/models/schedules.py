"""Stored schedules: one run per site and solve, one row per device and series."""

from datetime import date, timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models import Asset, Site
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField
from flexplatform.jobs.models import Job
from optimization.engine.horizon import Horizon


class ScheduleRun(models.Model):  # type: ignore[django-manager-missing]
    """A verified schedule of one site over one horizon; later runs of the same horizon supersede it."""

    class Status(models.TextChoices):
        """How the solver ended."""

        OPTIMAL = "optimal", _("Optimal")
        TIME_LIMIT = "time_limit", _("Best within the time limit")
        HEURISTIC = "heuristic", _("Best that a heuristic found")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="runs")
    start = models.DateTimeField(help_text="Start of the first step")
    step_seconds = models.PositiveIntegerField()
    count = models.PositiveIntegerField(help_text="Number of steps")
    solver = models.CharField(max_length=40)
    status = models.CharField(max_length=20, choices=Status.choices)
    total_cost_eur = models.DecimalField(max_digits=16, decimal_places=6)
    baseline_cost_eur = models.DecimalField(max_digits=16, decimal_places=6, help_text="The same site without control")
    cost_by_cause_eur = models.JSONField(default=dict)
    co2_kg = models.FloatField()
    objective_eur = models.FloatField(help_text="What the solver minimised, penalties of unmet wishes included")
    bound_eur = models.FloatField(help_text="Proven lower bound of the objective")
    gap = models.FloatField(help_text="Relative distance of the objective to its bound")
    seconds = models.JSONField(default=dict, help_text="Seconds by phase")
    unmet = models.JSONField(default=list, help_text="Wishes that the plan does not hold: whose, which, when, how much")
    parameters = models.JSONField(
        default=dict, help_text="Scalar prices, emissions, limits and weights it was made with"
    )
    input_sources = models.JSONField(
        default=dict, help_text="Where prices and each device's series came from, and when that was known"
    )
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="Equal for runs of the same problem, number by number, and solver"
    )
    past_steps = models.PositiveIntegerField(
        default=0, help_text="First steps that were over when it was made; they are those of the plan before"
    )
    states = models.JSONField(
        default=dict, blank=True, help_text="How the devices stood after the past steps, by their name"
    )
    follows = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="The plan before"
    )
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="The job that made it"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["ScheduleRun"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-created_at", "-id"]
        get_latest_by = ["created_at", "id"]
        indexes = [models.Index(fields=["site", "start", "-created_at"], name="run_latest_of_site")]
        constraints = [
            models.CheckConstraint(
                name="run_status_known", condition=models.Q(status__in=["optimal", "time_limit", "heuristic"])
            ),
            models.UniqueConstraint(fields=["job", "site"], name="run_once_per_job_and_site"),
            models.CheckConstraint(name="run_has_steps", condition=models.Q(count__gte=1, step_seconds__gte=1)),
            models.CheckConstraint(name="run_has_steps_left", condition=models.Q(past_steps__lt=models.F("count"))),
        ]

    def __str__(self) -> str:
        return f"{self.site} from {self.start:%Y-%m-%d %H:%M} UTC"

    @property
    def horizon(self) -> Horizon:
        """The steps that the run plans."""
        return Horizon(self.start, timedelta(seconds=self.step_seconds), self.count)

    @property
    def planned_horizon(self) -> Horizon:
        """The steps that it decided on: all but those that were over."""
        step = timedelta(seconds=self.step_seconds)
        return Horizon(self.start + self.past_steps * step, step, self.count - self.past_steps)

    @property
    def saving_eur(self) -> float:
        """What the plan costs less than the site without control, EUR."""
        return float(self.baseline_cost_eur - self.total_cost_eur)

    @property
    def local_day(self) -> str:
        """The site's local day in which the run starts, as an ISO date."""
        return self.local_date.isoformat()

    @property
    def local_date(self) -> date:
        """The site's local day in which the run starts."""
        return self.start.astimezone(self.site.zone).date()


class ScheduleSeries(models.Model):
    """A series of a run, one value per step: of a device, or of the site where `device` is empty.

    `device` keeps the device's name when its row is deleted. Units are part of the `quantity`.
    """

    class Role(models.TextChoices):
        """What the series is to the run."""

        INPUT = "input", _("Input")
        PLAN = "plan", _("Plan")
        BASELINE = "baseline", _("Without control")

    run = models.ForeignKey(ScheduleRun, on_delete=models.CASCADE, related_name="series")
    asset = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    device = models.CharField(max_length=100, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    quantity = models.CharField(max_length=60)
    values = SeriesField()

    objects: ClassVar[models.Manager["ScheduleSeries"]] = ScopedManager(organization="run__organization")

    class Meta:
        verbose_name_plural = "schedule series"
        constraints = [
            models.UniqueConstraint(fields=["run", "role", "device", "quantity"], name="schedule_series_unique")
        ]

    def __str__(self) -> str:
        return f"{self.device or 'site'}.{self.quantity} ({self.role})"
