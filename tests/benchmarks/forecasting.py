"""Forecasts of public series beside their outcome: `uv run python -m tests.benchmarks.forecasting [--data heat wind]`.

Daily origins at local midnight, the whole next day, nothing measured at or after the origin. Pinball loss is the mean
over nine quantiles in percent of the mean level of the outcome; coverage is that of the central 80 %; CPU is per
channel and day, with the daily share of training. FlexMeasures' method is emulated on fewer origins, and the blend is
shown on the same ones. `--many 1000` measures as many channels of 96 slots. It needs `../shared/forecasting/data`.
"""

import argparse
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import numpy as np
from rich.console import Console
from rich.table import Table

from forecasting.engine.backtest import Record, Trial, day_horizon, origins_of, rolling
from forecasting.engine.models import MODELS, model_named
from forecasting.engine.protocol import Batch, ChannelFacts, Model
from forecasting.record_files import read_record
from tests.benchmarks.forecasting_flexmeasures import FlexMeasures

DATA = Path(__file__).resolve().parents[3] / "shared" / "forecasting" / "data"
FOUR_WEEKS = 28


@dataclass(frozen=True)
class Case:
    """A file, and the days that are forecast: every `every`-th of the last `days`. `goal` is the loss to reach."""

    file: str
    kind: str
    goal: float
    zone: str = "UTC"
    country: str = ""
    days: int = 120
    every: int = 3
    history_days: int | None = None
    inputs: tuple[str, ...] | None = None
    production: bool = False


PRICE = {"kind": "price", "goal": 4.0, "days": 728, "every": 11, "history_days": 1100, "inputs": ("ex1", "ex2")}
CASES = {
    "price DE": Case("epf_DE", country="DE", **PRICE),
    "price NP": Case("epf_NP", country="NO", **PRICE),
    "price BE": Case("epf_BE", country="BE", **PRICE),
    "price PJM": Case("epf_PJM", country="US", **PRICE),
    "heat": Case("flensburg_heat_h", "heat", 2.7, zone="Europe/Berlin", country="DE", every=1),
    "feeders": Case("ostf_feeders_15min", "load", 10.9, zone="Europe/Amsterdam", country="NL", days=28, every=1),
    "PV": Case("gefcom14_solar_h", "pv", 7.1, production=True),
    "wind": Case("gefcom14_wind_h", "wind", 12.5, production=True),
    "12 homes": Case("citylearn_load_h", "load", 17.5, country="US", days=180),
    "12 homes' PV": Case("citylearn_pv_h", "pv", 7.3, days=180, production=True),
    "10 homes": Case("sgsc_load_30min", "load", 25.6, country="AU"),
    "one home": Case("emhass_load_30min", "load", 17.5, country="FR", every=1),
    "EV workplace": Case("ev_workplace_h", "ev", 12.1, country="US", days=90, every=1),
}


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument(
        "--models", nargs="+", choices=list(MODELS), default=["yesterday", "climatology", "ridge", "blend"]
    )
    parser.add_argument("--quick", action="store_true", help="every fourth origin, without FlexMeasures")
    parser.add_argument("--flexmeasures", type=int, default=0, metavar="N", help="origins of FlexMeasures' method")
    parser.add_argument("--flexmeasures-days", type=int, default=30, help="days of history of FlexMeasures' method")
    parser.add_argument("--weather", action="store_true", help="FlexMeasures' method sees the inputs too")
    parser.add_argument("--many", type=int, metavar="N", help="measure N channels of 96 slots instead, such as 1000")
    asked = parser.parse_args()
    console = Console(width=130)
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, one thread, Python {platform.python_version()}")
    if asked.many:
        console.print(_many(asked.many))
        return
    if not DATA.is_dir():
        console.print(f"Skipped: no data at {DATA}.")
        return
    for name in asked.data:
        console.print(_measured(name, CASES[name], asked))


def _measured(name: str, case: Case, asked: argparse.Namespace) -> Table:
    record = read_record(
        DATA / f"{case.file}.csv.gz",
        kind=case.kind,
        time_zone=case.zone,
        country=case.country,
        inputs=case.inputs,
        production=case.production,
    )
    origins = _origins(record, case)[:: 4 if asked.quick else 1]
    table = Table("model", "pinball %", "coverage %", "bias %", "MAE %", "ms", "origins", title=f"{name}: {case.goal}")
    for model in asked.models:
        _row(table, rolling(record, model_named(model), origins, history_days=case.history_days))
    if asked.flexmeasures and not asked.quick:
        few = origins[:: max(len(origins) // asked.flexmeasures, 1)][: asked.flexmeasures]
        days = max(asked.flexmeasures_days + 8, 60)
        emulated: Model = FlexMeasures(days=asked.flexmeasures_days, weather=asked.weather)
        _row(table, rolling(record, emulated, few, history_days=days))
        _row(table, rolling(record, model_named("blend"), few, history_days=case.history_days))
    return table


def _origins(record: Record, case: Case) -> list[datetime]:
    last = record.end.astimezone(record.channels[0].zone).date()
    days = [last - timedelta(days=back) for back in range(case.days, 0, -1)][:: case.every]
    return [
        origin
        for origin in origins_of(record, days)
        if record.place(origin) + day_horizon(record, origin) <= record.count
    ]


def _row(table: Table, trial: Trial) -> None:
    score = trial.score()
    if score is None:
        table.add_row(trial.model, *["-"] * 6)
        return
    figures: Sequence[float] = (
        score.pinball_percent,
        score.coverage_percent,
        score.bias_percent,
        score.mae_percent,
        trial.milliseconds_per_channel_day,
    )
    table.add_row(trial.model, *(f"{figure:.2f}" for figure in figures), str(len(trial.origins)))


def _many(count: int) -> Table:
    """Return the CPU seconds of many channels: 200 days of quarter-hours, a temperature, one day ahead."""
    random, days, slots = np.random.default_rng(1), 200, 96
    shape = 1 + np.sin(2 * np.pi * np.arange(slots) / slots) ** 2
    noise = random.gamma(4, 0.25, (count, days * slots))
    temperature = 10 + random.normal(0, 3, (1, (days + 1) * slots)).repeat(count, axis=0)
    history = np.tile(shape, days) * noise * random.uniform(0.2, 5, (count, 1))
    channels = [ChannelFacts(f"home {number}", "load", "Europe/Berlin", "DE") for number in range(count)]
    origin = datetime(2026, 6, 1, 22, tzinfo=UTC)
    batch = Batch(channels, origin, timedelta(minutes=15), slots, history, {"temperature_c": temperature})
    model, table = model_named("blend"), Table(f"{count} channels of 96 slots", "CPU s")
    began = process_time()
    fitted = model.fit(batch)
    trained = process_time()
    fitted.predict(batch)
    forecast = process_time() - trained
    share = (trained - began) / FOUR_WEEKS
    for label, seconds in (("training", trained - began), ("forecast", forecast), ("a day", forecast + share)):
        table.add_row(label, f"{seconds:.1f}")
    return table


if __name__ == "__main__":
    main()
