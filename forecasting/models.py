"""Forecasts as they were delivered: whole series, never changed, each known from its time of issue on; and feeds."""

from datetime import timedelta
from typing import ClassVar

import numpy as np
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django_scopes import ScopedManager

from assets.models import Checked, PriceSeries
from flexplatform.accounts.models import Organization
from flexplatform.fields import SeriesField
from forecasting.engine.grid import Grid, Series
from forecasting.providers import PRICES, WEATHER
from forecasting.providers.zones import ZONES
from telemetry.models import Channel

LEVELS = tuple(round(0.1 * number, 1) for number in range(1, 10))
HOUR_SECONDS = 3600
EURO = "EUR"


def weather_provider_choices() -> list[tuple[str, str]]:
    """Return the registered providers of weather; functions, so that a new provider needs no migration."""
    return [(each.name, each.label) for each in WEATHER.values()]


def price_provider_choices() -> list[tuple[str, str]]:
    """Return the registered providers of prices."""
    return [(each.name, each.label) for each in PRICES.values()]


def zone_choices() -> list[tuple[str, str]]:
    """Return the bidding zones that any provider knows."""
    return [(name, name) for name in ZONES]


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
    scores = models.JSONField(
        null=True, blank=True, help_text="How good it was, by measure of `engine.scores`; known after its end"
    )
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


class ChannelForecast(Checked):
    """That the platform forecasts a channel itself: with which model, how good that is, and how good its readings are.

    Scores have the measures of `engine.scores.Score` and `skill_percent`. Those by model are of the back-test that
    chose the model, the recent ones of what was forecast and came since.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="own_forecast")
    enabled = models.BooleanField(default=True, help_text="Whether it is forecast by the clock")
    forced_model = models.CharField(
        max_length=60, blank=True, help_text="Chosen by a person; empty: the best of the back-test"
    )
    chosen_model = models.CharField(max_length=60, blank=True, editable=False, help_text="The best of the back-test")
    chosen_at = models.DateTimeField(null=True, editable=False, help_text="When it was back-tested last")
    scores_by_model = models.JSONField(default=dict, editable=False, help_text="Scores of the back-test by model")
    recent_scores = models.JSONField(null=True, editable=False, help_text="Scores of the last week")
    drifted = models.BooleanField(default=False, editable=False, help_text="Much worse last week than back-tested")
    checked_at = models.DateTimeField(null=True, editable=False, help_text="When its readings were looked at last")
    quality = models.JSONField(default=dict, editable=False, help_text="Steps by what is wrong with them")
    problem = models.TextField(blank=True, editable=False, help_text="Why it was not forecast the last time")
    updated_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was last forecast anew because its readings deviated"
    )

    objects: ClassVar[models.Manager["ChannelForecast"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["channel"]

    def __str__(self) -> str:
        return f"Forecast of {self.channel}"

    @property
    def model(self) -> str:
        """The name of the model to use first; empty where nothing was chosen yet."""
        return self.forced_model or self.chosen_model

    def clean(self) -> None:
        """Refuse a model that is not registered."""
        super().clean()
        # Loading the models takes longer than most commands.
        from forecasting.engine.models import MODELS

        if self.forced_model and self.forced_model not in MODELS:
            message = f"forced_model is {self.forced_model}; allowed: {', '.join(MODELS)}, or empty."
            raise ValidationError({"forced_model": message})


class PriceForecast(Checked):
    """What the platform expects of a price series, per kWh in its currency: from the end of what was received on.

    Plans use it where no price was received yet. `quantiles` are the nine 0.1 to 0.9 as one series row by row.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    series = models.ForeignKey(PriceSeries, on_delete=models.CASCADE, related_name="forecasts")
    issued_at = models.DateTimeField(help_text="When it was made; from then on it is known")
    start = models.DateTimeField(help_text="Start of the first step, where the received prices ended")
    end = models.DateTimeField(help_text="End of the last step")
    step_seconds = models.PositiveIntegerField()
    model = models.CharField(max_length=60, help_text="What it was made with")
    version = models.CharField(max_length=60)
    mean = SeriesField()
    quantiles = SeriesField()

    objects: ClassVar[models.Manager["PriceForecast"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["series", "issued_at"], name="price_forecast_made_once"),
            models.CheckConstraint(name="price_forecast_not_empty", condition=models.Q(end__gt=models.F("start"))),
            models.CheckConstraint(
                name="price_forecast_step_divides_hour",
                condition=models.Q(step_seconds__gte=1, step_seconds__lte=HOUR_SECONDS),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series} from {self.start:%Y-%m-%d %H:%M} UTC"

    @property
    def by_level(self) -> dict[float, Series]:
        """The quantiles by level."""
        return dict(zip(LEVELS, np.asarray(self.quantiles).reshape(len(LEVELS), -1), strict=True))


class ProviderKey(models.Model):
    """A provider's key of an organization, encrypted; nobody can read it again through the platform."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=30)
    ciphertext = models.BinaryField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["ProviderKey"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["provider"]
        constraints = [models.UniqueConstraint(fields=["organization", "provider"], name="provider_key_unique")]

    def __str__(self) -> str:
        return f"Key of {self.provider}"


class Feed(Checked):
    """What an organization fetches from a provider, and how that went last.

    What was fetched stays while a provider is down; it is then told to be stale.
    """

    STALE_AFTER = timedelta(hours=26)

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    enabled = models.BooleanField(default=True, help_text="Whether it is fetched by the clock")
    fetched_at = models.DateTimeField(null=True, editable=False, help_text="When the provider last answered")
    failed_at = models.DateTimeField(null=True, editable=False, help_text="When it last did not")
    error = models.TextField(blank=True, editable=False, help_text="What went wrong then")

    class Meta:
        abstract = True

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self.failed_at is not None and (self.fetched_at is None or self.failed_at > self.fetched_at)

    @property
    def is_stale(self) -> bool:
        """Whether what was fetched last is older than it should be; not before the first attempt, nor when off."""
        if not self.enabled:
            return False
        if self.fetched_at is None:
            return self.failed_at is not None
        return timezone.now() - self.fetched_at > self.STALE_AFTER


class WeatherFeed(Feed):
    """The weather of all sites of an organization."""

    provider = models.CharField(max_length=30, choices=weather_provider_choices)

    objects: ClassVar[models.Manager["WeatherFeed"]] = ScopedManager(organization="organization")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="weather_feed_unique")]

    def __str__(self) -> str:
        return f"Weather of {WEATHER[self.provider].label}"


class PriceFeed(Feed):
    """Day-ahead prices of a bidding zone, received as deliveries of a price series.

    A series may have two providers, so that one serves while the other is down.
    """

    provider = models.CharField(max_length=30, choices=price_provider_choices)
    zone = models.CharField(max_length=20, choices=zone_choices, help_text="Bidding zone")
    series = models.ForeignKey(
        PriceSeries, on_delete=models.CASCADE, related_name="feeds", help_text="What receives the prices; in EUR"
    )

    objects: ClassVar[models.Manager["PriceFeed"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["series__name", "provider"]
        constraints = [models.UniqueConstraint(fields=["series", "provider"], name="price_feed_unique")]

    def __str__(self) -> str:
        return f"{self.series} from {PRICES[self.provider].label}"

    def clean(self) -> None:
        """Refuse a series in another currency than that of the auction."""
        super().clean()
        if self.series_id and self.series.currency != EURO:
            message = f"series is {self.series} in {self.series.currency}; allowed: a series in {EURO}."
            raise ValidationError({"series": message})
