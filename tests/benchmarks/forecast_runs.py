"""A night of forecasts end to end on PostgreSQL: `uv run python -m tests.benchmarks.forecast_runs [--channels 1000]`.

From roll-ups and weather forecasts as they lie in the database to stored runs with nine quantiles, by the jobs that the
clock asks for: first the weekly choice of models with its training, then a night, then the night after it. What is told
is CPU time, of Python and of the database's backend, so that other work on the machine matters little; and the most
memory that the process ever had. Loads and PV plants are made up: the time that models take depends little on values.
"""

import argparse
import os
import platform as machine
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flexplatform.embedded import postgres

DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
STEPS_A_DAY = 96
CHOSEN_EVERY_DAYS = 7
WEATHER_DAYS = 4
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and show a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=1000, help="half of them loads, half of them PV plants")
    parser.add_argument("--days", type=int, default=120, help="of history")
    parser.add_argument("--no-weather", action="store_true", help="without weather forecasts")
    options = parser.parse_args()
    with postgres.running_postgres() as server, tempfile.TemporaryDirectory() as name:
        os.environ |= {"DATABASE_URL": server.url(), "DATABASE_POOL_SIZE": "0", "VAR_DIR": name}
        os.environ["DJANGO_SETTINGS_MODULE"] = "flexplatform.settings"
        import django

        django.setup()
        from forecasting.model_store import store

        # The folder was chosen when the launcher of the database was loaded.
        store.folder = Path(name)
        show({"machine": f"{machine.platform()}, {os.cpu_count()} cores", "load before": os.getloadavg()})
        world = World(options.channels, options.days, weather=not options.no_weather)
        show({"rows": world.rows, "weather forecasts": world.weather_runs, "CPU s to make them": time.process_time()})
        show(choice := world.choice())
        show(world.night(0))
        show(again := world.night(1))
        share = choice["choice: CPU s"] / CHOSEN_EVERY_DAYS
        show(
            {
                "a day: CPU s with a seventh of the choice": again["night 1: CPU s"] + share,
                "most memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "load after": os.getloadavg(),
            }
        )


def show(found: dict[str, Any]) -> None:
    """Print a part of the table."""
    for name, value in found.items():
        sys.stdout.write(f"{name:>44}  {value:.4g}\n" if isinstance(value, float) else f"{name:>44}  {value}\n")
    sys.stdout.flush()


class World:
    """Sites with a load and a PV plant each, what they measured, and the weather that was forecast for them."""

    def __init__(self, channels: int, days: int, *, weather: bool) -> None:
        from django.core.management import call_command

        from flexplatform.accounts.models import Organization
        from forecasting.histories import origin_of

        call_command("migrate", verbosity=0, interactive=False)
        self.days = days
        # 01:40 UTC of today, as the clock asks.
        self.at = datetime.now(UTC).replace(hour=1, minute=40, second=0, microsecond=0)
        self.origin = origin_of(self.at)
        self.organization = Organization.objects.create(name="a", slug="a")
        self.rows = self.weather_runs = 0
        with self.scope():
            sites = self._sites(channels // 2)
            self._measure()
            if weather:
                self._forecast_weather(sites)
        self._analyze()

    def scope(self) -> Any:
        """Enter the organization, in the name of the clock."""
        from contextlib import ExitStack

        from flexplatform.accounts.audit import acting
        from flexplatform.accounts.models import Door
        from flexplatform.accounts.scoping import organization_scope

        stack = ExitStack()
        stack.enter_context(organization_scope(self.organization))
        stack.enter_context(acting("clock", Door.TASK))
        return stack

    def choice(self) -> dict[str, Any]:
        """Return what the weekly choice of models takes, with training."""
        from forecasting.services import request_model_choice

        return self._worked("choice", lambda: request_model_choice(organization=self.organization))

    def night(self, number: int) -> dict[str, Any]:
        """Return what a night's forecasts take; later ones find all that the first one had to load and to compile."""
        from forecasting.models import ForecastRun
        from forecasting.services import OWN, request_forecasts

        at = self.at + number * timedelta(minutes=1)
        found = self._worked(f"night {number}", lambda: request_forecasts(organization=self.organization, at=at))
        with self.scope():
            runs = ForecastRun.objects.filter(source=OWN, issued_at=at)
            models = {model: runs.filter(model=model).count() for model in set(runs.values_list("model", flat=True))}
            first = runs.select_related("series").first()
        assert first is not None
        found[f"night {number}: stored runs by model"] = models
        found[f"night {number}: slots, quantiles of each"] = (first.count, len(first.series.by_level))
        return found

    def _worked(self, name: str, ask: Any) -> dict[str, Any]:
        from flexplatform.jobs.models import Job
        from flexplatform.jobs.work import execute_next

        with self.scope():
            job = ask()
        cpu, backend, wall = time.process_time(), backend_cpu(), time.monotonic()
        while execute_next("benchmark", beat_every=0):
            pass
        cpu, backend, wall = time.process_time() - cpu, backend_cpu() - backend, time.monotonic() - wall
        with self.scope():
            job = Job.objects.get(pk=job.pk)
        assert job.status == Job.Status.SUCCEEDED, job.error
        return {
            f"{name}: CPU s": cpu + backend,
            f"{name}: of it the database's": backend,
            f"{name}: wall s": wall,
            f"{name}: result": {key: value for key, value in job.result.items() if key != "reasons"},
        }

    def _sites(self, count: int) -> list[Any]:
        from assets.models import ElectricLoad, Photovoltaic, Portfolio, Site
        from forecasting.services import ensure_own_forecasts

        portfolio = Portfolio.objects.create(organization=self.organization, name="a")
        own = {"organization": self.organization, "portfolio": portfolio, "country": "DE"}
        places = [(48 + 0.01 * (number % 20), 11 + 0.01 * (number // 20)) for number in range(count)]
        sites = [
            Site.objects.create(**own, name=f"s{number}", slug=f"s{number}", latitude=north, longitude=east)
            for number, (north, east) in enumerate(places)
        ]
        for site in sites:
            ElectricLoad.objects.create(site=site, name="load")
            Photovoltaic.objects.create(site=site, name="pv", capacity_kw=10)
        ensure_own_forecasts(organization=self.organization)
        return sites

    def _measure(self) -> None:
        """Copy roll-ups of all channels into the database, a day's weather the same for all with noise of their own."""
        import numpy as np
        from django.db import connection

        from forecasting.models import ChannelForecast
        from telemetry.models import Channel

        self._random = np.random.default_rng(1)
        count = self.days * STEPS_A_DAY
        self._clear = np.repeat(self._random.uniform(0.2, 1, self.days + WEATHER_DAYS + 2), STEPS_A_DAY)
        start = self.origin - count * QUARTER
        times = [(start + step * QUARTER).isoformat() for step in range(count)]
        channels = list(ChannelForecast.objects.values_list("channel", "channel__asset__kind").order_by("channel"))
        connection.ensure_connection()
        statement = "COPY telemetry_rollup (channel_id, start, count, total, lowest, highest) FROM STDIN"
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for channel, kind in channels:
                values = self._pv(start, count) if kind == "pv" else self._load(start, count)
                for moment, value in zip(times, values.tolist(), strict=True):
                    copy.write_row((channel, moment, 15, 15 * value, value, value))
        self.rows = count * len(channels)
        Channel.objects.update(last_at=self.origin, last_value=1.0)

    def _hours(self, start: datetime, count: int) -> Any:
        import numpy as np

        return (start.hour + start.minute / 60 + np.arange(count) / 4) % 24

    def _sun(self, start: datetime, count: int) -> Any:
        import numpy as np

        return self._clear[:count] * np.clip(np.sin((self._hours(start, count) - 6) / 12 * np.pi), 0, None)

    def _pv(self, start: datetime, count: int) -> Any:
        noise = self._random.uniform(0.8, 1, count)
        return -10 * self._sun(start, count) * noise

    def _load(self, start: datetime, count: int) -> Any:
        import numpy as np

        hours, scale = self._hours(start, count), self._random.uniform(0.5, 3)
        shape = 0.4 + np.exp(-((hours - 19) ** 2) / 6) + 0.5 * np.exp(-((hours - 7) ** 2) / 3)
        return scale * shape * self._random.lognormal(0, 0.3, count)

    def _forecast_weather(self, sites: list[Any]) -> None:
        """Store a weather forecast of each site for each day, as a provider's fetch does."""
        from forecasting.models import ForecastRun, ForecastValues
        from telemetry.models import Channel
        from telemetry.services import Reference, ensure_channels

        quantities = ("ambient_temperature_c", "irradiance_w_per_m2")
        asked = [Reference(site=site.pk, quantity=quantity) for site in sites for quantity in quantities]
        channels: list[Channel] = []
        for begin in range(0, len(asked), 500):
            channels += ensure_channels(organization=self.organization, references=asked[begin : begin + 500])
        for back in range(self.days, -1, -1):
            runs = ForecastRun.objects.bulk_create(self._weather_of(channels, back), batch_size=1000)
            values = {quantity: self._weather_values(quantity, back) for quantity in quantities}
            ForecastValues.objects.bulk_create(
                (ForecastValues(run=run, mean=values[run.channel.quantity]) for run in runs), batch_size=1000
            )
            self.weather_runs += len(runs)

    def _weather_of(self, channels: list[Any], back: int) -> Iterator[Any]:
        from forecasting.models import ForecastRun

        issued = self.at - timedelta(minutes=20) - back * DAY
        start = issued.replace(minute=0)
        for channel in channels:
            yield ForecastRun(
                organization=self.organization,
                channel=channel,
                issued_at=issued,
                known_until=issued,
                start=start,
                end=start + WEATHER_DAYS * DAY,
                step_seconds=3600,
                count=24 * WEATHER_DAYS,
                source="benchmark",
            )

    def _weather_values(self, quantity: str, back: int) -> Any:
        import numpy as np

        first = (self.days - back) * STEPS_A_DAY
        count = WEATHER_DAYS * STEPS_A_DAY
        clear = np.resize(self._clear[first : first + count], count)
        hours = self._hours(self.origin.replace(minute=0), count)
        sun = clear * np.clip(np.sin((hours - 6) / 12 * np.pi), 0, None)
        hourly = sun.reshape(-1, 4).mean(axis=1)
        return 900 * hourly if quantity == "irradiance_w_per_m2" else 5 + 10 * hourly

    def _analyze(self) -> None:
        """Let the database know its tables, as autovacuum does in the course of a day."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def backend_cpu() -> float:
    """Return the CPU seconds of the database's process that serves this one."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # The 14th and the 15th of all: in user mode, and in the kernel.
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


if __name__ == "__main__":
    main()
