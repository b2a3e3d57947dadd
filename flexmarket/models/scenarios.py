"""Scenarios of the lab: a named site or an uploaded file, and what its runs with changed numbers gave."""

from datetime import timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from flexmarket.engine.methods import DEFAULT_METHOD
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField
from flexplatform.jobs.models import Job
from optimization.engine import Horizon


class Scenario(models.Model):  # type: ignore[django-manager-missing]
    """A site to try things with, apart from the organization's own sites; it never changes, its runs do."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    template = models.CharField(max_length=40, blank=True, help_text="A named scenario; empty: the uploaded file")
    file_name = models.CharField(max_length=100, blank=True)
    file = models.BinaryField(null=True, blank=True, help_text="The file as it was uploaded")
    day = models.DateField(help_text="Local day to plan")
    time_zone = models.CharField(max_length=60, default="Europe/Berlin")
    step_minutes = models.PositiveSmallIntegerField(default=15)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Scenario"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="scenario_of_template_or_file",
                condition=(models.Q(file=None, file_name="") & ~models.Q(template=""))
                | (models.Q(file__isnull=False, template="") & ~models.Q(file_name="")),
            ),
            models.CheckConstraint(
                name="scenario_step_in_an_hour", condition=models.Q(step_minutes__gte=1, step_minutes__lte=60)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its site."""
        return ZoneInfo(self.time_zone)

    @property
    def horizon(self) -> Horizon:
        """The steps of its day."""
        return Horizon.market_day(self.day, self.zone, timedelta(minutes=self.step_minutes))

    @property
    def origin(self) -> str:
        """Where its input comes from: the named scenario or the file."""
        return self.template or self.file_name


class ScenarioRun(models.Model):  # type: ignore[django-manager-missing]
    """A scenario planned with some of its numbers changed; `summary` is empty until it is."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, related_name="runs")
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="scenario_run")
    label = models.CharField(max_length=100)
    changes = models.JSONField(default=dict, blank=True, help_text="Changed numbers by their name")
    solver = models.CharField(max_length=40)
    gap = models.FloatField(help_text="Relative gap that is good enough")
    time_limit = models.FloatField(help_text="Seconds for the solver")
    method = models.CharField(max_length=40, default=DEFAULT_METHOD, help_text="How its offers are quantified")
    summary = models.JSONField(default=dict, blank=True, help_text="Costs, energies, wishes and offers")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["ScenarioRun"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["scenario", "-id"], name="scenario_runs_newest_first")]

    def __str__(self) -> str:
        return f"{self.scenario}: {self.label}"

    @property
    def solved(self) -> bool:
        """Whether it has a plan."""
        return bool(self.summary)


class ScenarioSeries(models.Model):
    """A series of a run, one value per step: of a device, or of the site where `device` is empty.

    Offers have the columns of the engine's `FlexTable` as quantities.
    """

    class Role(models.TextChoices):
        """What the series is to the run."""

        INPUT = "input", _("Input")
        PLAN = "plan", _("Plan")
        BASELINE = "baseline", _("Without control")
        OFFERS = "offers", _("Offers")

    run = models.ForeignKey(ScenarioRun, on_delete=models.CASCADE, related_name="series")
    role = models.CharField(max_length=10, choices=Role.choices)
    device = models.CharField(max_length=100, blank=True)
    quantity = models.CharField(max_length=60)
    values = SeriesField()

    objects: ClassVar[models.Manager["ScenarioSeries"]] = ScopedManager(organization="run__organization")

    class Meta:
        verbose_name_plural = "scenario series"
        constraints = [
            models.UniqueConstraint(fields=["run", "role", "device", "quantity"], name="scenario_series_unique")
        ]

    def __str__(self) -> str:
        return f"{self.device or 'site'}.{self.quantity} ({self.role})"


class ScenarioArchive(models.Model):
    """Every file of a run as one ZIP archive."""

    run = models.OneToOneField(ScenarioRun, primary_key=True, on_delete=models.CASCADE, related_name="archive")
    content = models.BinaryField()

    objects: ClassVar[models.Manager["ScenarioArchive"]] = ScopedManager(organization="run__organization")

    def __str__(self) -> str:
        return f"Files of scenario run {self.pk}"
