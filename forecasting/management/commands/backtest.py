"""Print how well the models would have forecast a file's series or a channel: the league table."""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from flexplatform.accounts.management.base import AccountCommand
from flexplatform.accounts.scoping import organization_scope
from forecasting.channel_records import record_of_channel
from forecasting.engine.backtest import Record, Trial, day_horizon, origins_of, rolling
from forecasting.engine.models import MODELS, NAIVE, model_named
from forecasting.engine.protocol import KINDS, ForecastError
from forecasting.engine.scores import Score
from forecasting.record_files import read_record
from telemetry.models import Channel

STEPS_MINUTES = (15, 30, 60)
HEADINGS = ("model", "pinball %", "coverage %", "bias %", "MAE", "skill %", "CPU ms", "channels")


class Command(AccountCommand):
    """Each day is forecast from what was known before it began; CPU is per channel and day, training included."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to forecast, with which models, and how often."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--data", type=Path, help="CSV or gzip CSV: series, time (UTC), y, one column per input")
        what.add_argument("--channel", type=int, metavar="N", help="id of a channel; needs --organization")
        parser.add_argument("--organization", default="", help="its name in addresses, for --channel")
        parser.add_argument("--models", nargs="+", default=list(MODELS), help=f"of {', '.join(MODELS)}")
        parser.add_argument("--kind", default="load", choices=KINDS, help="what the series of --data are")
        parser.add_argument("--production", action="store_true", help="values of --data above zero are production")
        parser.add_argument("--zone", default="UTC", help="time zone whose midnights are the origins, for --data")
        parser.add_argument("--country", default="", help="for public holidays, such as DE")
        parser.add_argument("--days", type=int, default=28, help="days to forecast, the newest")
        parser.add_argument("--every", type=int, default=1, help="every so many of these days only")
        parser.add_argument("--history-days", type=int, default=730, help="most days that a model may look back")
        parser.add_argument("--step", type=int, default=60, choices=STEPS_MINUTES, help="minutes, for --channel")

    def run(self, options: dict[str, Any]) -> None:
        """Measure and print."""
        try:
            models = [model_named(name) for name in options["models"]]
            record = self._record(options)
            origins = _origins(record, options["days"], options["every"])
            fitting = [model for model in models if record.channels[0].kind in model.kinds]
            trials = [rolling(record, model, origins, history_days=options["history_days"]) for model in fitting]
        except ForecastError as error:
            raise CommandError(str(error)) from error
        text = StringIO()
        Console(file=text, width=110).print(_league(trials))
        self.stdout.write(text.getvalue())

    def _record(self, options: dict[str, Any]) -> Record:
        if options["data"]:
            return read_record(
                options["data"],
                kind=options["kind"],
                time_zone=options["zone"],
                country=options["country"],
                production=options["production"],
            )
        organization = self.in_organization(options["organization"])
        with organization_scope(organization):
            channel = Channel.objects.filter(organization=organization, pk=options["channel"]).first()
            if channel is None:
                raise CommandError(f"channel: {organization.slug} has no channel {options['channel']}.")
            end = timezone.now().replace(minute=0, second=0, microsecond=0)
            step = timedelta(minutes=options["step"])
            days = options["days"] + options["history_days"]
            return record_of_channel(channel, end, days, step=step, country=options["country"])


def _origins(record: Record, days: int, every: int) -> list[datetime]:
    """Return the midnights whose following day is in the record, the first of them with a day before it."""
    if days < 1 or every < 1:
        raise ForecastError(f"days, every: {days} and {every}; each is at least 1.")
    last = record.end.astimezone(record.channels[0].zone).date()
    asked = origins_of(record, [last - timedelta(days=back) for back in range(days, -1, -1)][::every])
    found = [
        origin
        for origin in asked
        if record.start < origin and origin + day_horizon(record, origin) * record.step <= record.end
    ]
    if not found:
        raise ForecastError(f"days: the record from {record.start} to {record.end} has no whole day after its first.")
    if np.isnan(record.values[:, record.place(found[0]) :]).all():
        raise ForecastError(f"data: nothing was measured from {found[0]} on.")
    return found


def _league(trials: Sequence[Trial]) -> Table:
    """Return the table, the best model first; skill is against the naive forecast where that is among them."""
    scores = {trial.model: (trial, score) for trial in trials if (score := trial.score())}
    naive = scores[NAIVE][1] if NAIVE in scores else None
    table = Table(*HEADINGS, title=f"{len(trials[0].origins)} days" if trials else None)
    for trial, score in sorted(scores.values(), key=lambda each: each[1].pinball_percent):
        table.add_row(trial.model, *_figures(score, naive), f"{trial.milliseconds_per_channel_day:.1f}", _known(trial))
    for trial in trials:
        if trial.model not in scores:
            table.add_row(trial.model, *["-"] * 6, "0: the history is too short")
    return table


def _figures(score: Score, naive: Score | None) -> list[str]:
    measured = (score.pinball_percent, score.coverage_percent, score.bias_percent)
    skill = f"{score.skill_percent(naive):.1f}" if naive else "-"
    return [*(f"{figure:.2f}" for figure in measured), f"{score.mae:.4g}", skill]


def _known(trial: Trial) -> str:
    known = sum(bool(trial.score_of(channel)) for channel in range(len(trial.mean[0])))
    return f"{known} of {len(trial.mean[0])}"
