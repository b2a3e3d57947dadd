"""Many sites planned by one request: what was asked, and what became of each site."""

from datetime import datetime, timedelta
from typing import ClassVar, cast
from zoneinfo import ZoneInfo

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from assets.models import Portfolio, Site
from flexplatform.accounts.models import Organization
from flexplatform.jobs.models import Job
from optimization.engine.horizon import Horizon
from optimization.models.schedules import ScheduleRun


class PortfolioRun(models.Model):  # type: ignore[django-manager-missing]
    """Schedules of many sites: of a local day of each, or of one horizon for all.

    The counts rise with every chunk that is stored; `site_count` is known once the work was handed out.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    portfolio = models.ForeignKey(
        Portfolio, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="Empty: all sites"
    )
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="portfolio_run")
    day = models.DateField(null=True, blank=True, help_text="Local day of each site; empty: one horizon for all")
    start = models.DateTimeField(null=True, blank=True, help_text="Start of the first step of the horizon")
    step_seconds = models.PositiveIntegerField(null=True, blank=True)
    count = models.PositiveIntegerField(null=True, blank=True, help_text="Number of steps")
    solver = models.CharField(max_length=40)
    gap = models.FloatField(help_text="Relative gap that is good enough")
    time_limit = models.FloatField(help_text="Seconds for the solver, per site")
    options = models.JSONField(default=dict, blank=True, help_text="Goal, and how a heuristic searches")
    site_count = models.PositiveIntegerField(default=0)
    planned = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0, help_text="Sites whose run of the same inputs was kept")
    failed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["PortfolioRun"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="portfolio_run_of_day_or_horizon",
                condition=models.Q(day__isnull=False, start=None, step_seconds=None, count=None)
                | models.Q(day=None, start__isnull=False, step_seconds__gte=1, count__gte=1),
            )
        ]

    def __str__(self) -> str:
        return self.job.title

    @property
    def done(self) -> int:
        """Number of sites that have a result."""
        return self.planned + self.unchanged + self.failed

    @property
    def sites_per_second(self) -> float:
        """How fast it goes, or went; 0 as long as nothing is known."""
        if self.job.started_at is None or not self.done:
            return 0.0
        seconds = ((self.job.finished_at or timezone.now()) - self.job.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this speed; None as long as that is not known, and at the end."""
        speed = self.sites_per_second
        return (self.site_count - self.done) / speed if speed and not self.job.finished else None

    def horizon(self, zone: ZoneInfo) -> Horizon:
        """Return the steps that the sites of a time zone are planned for."""
        if self.day is not None:
            return Horizon.market_day(self.day, zone)
        start, seconds, count = cast("tuple[datetime, int, int]", (self.start, self.step_seconds, self.count))
        return Horizon(start, timedelta(seconds=seconds), count)


class PlannedSite(models.Model):
    """What became of one site in a portfolio run: a new run, the run that it had already, or a reason."""

    class Outcome(models.TextChoices):
        """How it ended for the site."""

        PLANNED = "planned", _("Planned")
        UNCHANGED = "unchanged", _("Unchanged")
        FAILED = "failed", _("Failed")

    portfolio_run = models.ForeignKey(PortfolioRun, on_delete=models.CASCADE, related_name="sites")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    run = models.ForeignKey(ScheduleRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    saving_eur = models.DecimalField(
        max_digits=16, decimal_places=6, default=0, help_text="Against the site without control"
    )
    reason = models.TextField(blank=True, help_text="Why it failed, or what is missing beside the plan")

    objects: ClassVar[models.Manager["PlannedSite"]] = ScopedManager(organization="portfolio_run__organization")

    class Meta:
        ordering = ["portfolio_run", "-saving_eur", "id"]
        indexes = [models.Index(fields=["portfolio_run", "-saving_eur", "id"], name="planned_site_by_saving")]
        constraints = [
            models.UniqueConstraint(fields=["portfolio_run", "site"], name="planned_site_once_per_run"),
            models.CheckConstraint(
                name="planned_site_outcome_known",
                condition=models.Q(outcome__in=["planned", "unchanged", "failed"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.get_outcome_display()}"
