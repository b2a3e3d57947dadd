"""Forecasts as they were delivered: whole series, never changed, each known from its time of issue on."""

from datetime import timedelta
from typing import ClassVar

import numpy as np
from django.db import models
from django.utils import timezone
from django_scopes import ScopedManager

from assets.models import Checked
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField
from forecasting.engine.grid import Grid, Series
from telemetry.models import Channel

LEVELS = tuple(round(0.1 * number, 1) for number in range(1, 10))
HOUR_SECONDS = 3600


class ForecastRun(Checked):
    """A forecast of one channel over equal steps; later ones replace it from their time of issue on.

    Nothing measured after `known_until` went into it.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="forecasts")
    issued_at = models.DateTimeField(help_text="When it was made; from then on it is known")
    known_until = models.DateTimeField(help_text="End of what was measured when it was made")
    start = models.DateTimeField(help_text="Start of the first step")
    end = models.DateTimeField(help_text="End of the last step")
    step_seconds = models.PositiveIntegerField()
    count = models.PositiveIntegerField(help_text="Number of steps")
    model = models.CharField(max_length=60, blank=True, help_text="What it was made with")
    version = models.CharField(max_length=60, blank=True)
    source = models.CharField(max_length=100, help_text="Who made it")
    scores = models.JSONField(null=True, blank=True, help_text="How good it was, by measure")
    received_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["ForecastRun"]] = ScopedManager(organization="organization")

    class Meta:
        verbose_name = "forecast"
        ordering = ["-issued_at", "-id"]
        indexes = [models.Index(fields=["channel", "-issued_at", "-id", "start", "end"], name="forecast_newest_first")]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "start", "issued_at", "source", "model"], name="forecast_delivered_once"
            ),
            models.CheckConstraint(
                name="forecast_has_steps",
                condition=models.Q(count__gte=1, step_seconds__gte=1, step_seconds__lte=HOUR_SECONDS),
            ),
            models.CheckConstraint(name="forecast_not_empty", condition=models.Q(end__gt=models.F("start"))),
            models.CheckConstraint(
                name="forecast_knows_the_past_only", condition=models.Q(known_until__lte=models.F("issued_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} from {self.start:%Y-%m-%d %H:%M} UTC by {self.source}"

    @property
    def step_minutes(self) -> float:
        """Length of a step in minutes."""
        return self.step_seconds / 60

    @property
    def grid(self) -> Grid:
        """The steps that it is about."""
        return Grid(self.start, timedelta(seconds=self.step_seconds), self.count)


class ForecastValues(models.Model):
    """The values of a forecast, one per step: the mean, and the nine quantiles 0.1 to 0.9 as one series row by row.

    A quantile that was not delivered is not-a-number throughout.
    """

    run = models.OneToOneField(ForecastRun, primary_key=True, on_delete=models.CASCADE, related_name="series")
    mean = SeriesField()
    quantiles = SeriesField(null=True)

    objects: ClassVar[models.Manager["ForecastValues"]] = ScopedManager(organization="run__organization")

    class Meta:
        verbose_name_plural = "forecast values"

    def __str__(self) -> str:
        return f"Values of forecast {self.pk}"

    @property
    def by_level(self) -> dict[float, Series]:
        """The delivered quantiles by level."""
        if self.quantiles is None:
            return {}
        table = np.asarray(self.quantiles).reshape(len(LEVELS), -1)
        return {level: row for level, row in zip(LEVELS, table, strict=True) if not np.isnan(row[0])}
