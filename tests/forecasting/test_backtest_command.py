import gzip
from datetime import timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.record_files import read_record
from telemetry.batches import ReadingBatch
from telemetry.models import Channel
from telemetry.models.moments import microseconds
from telemetry.services import Reference, ensure_channels, store_readings
from tests.conftest import People
from tests.factories import ElectricLoadFactory, SiteFactory
from tests.forecasting.engine.batches import HOUR, batch_of

MODELS = ["--models", "yesterday", "ridge"]


def league(*words: str) -> str:
    out = StringIO()
    call_command("backtest", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    batch = batch_of(days=50)
    times = pd.date_range("2026-03-01", periods=batch.steps_known, freq="h")
    parts = [
        pd.DataFrame(
            {
                "series": name,
                "time": times,
                "y": batch.history[row],
                "temp": batch.inputs["temperature_c"][row, : len(times)],
            }
        )
        for row, name in enumerate(("a", "b"))
    ]
    path = tmp_path / "homes.csv.gz"
    with gzip.open(path, "wt") as out:
        pd.concat(parts).to_csv(out, index=False)
    return path


def test_a_file_gives_the_league_table_best_first(file: Path) -> None:
    lines = [line for line in league("--data", str(file), "--days", "3", *MODELS).splitlines() if " of 2" in line]
    assert ["ridge" in lines[0], "yesterday" in lines[1], len(lines)] == [True, True, 2]


def test_a_file_is_read_in_the_house_sign_with_its_inputs(file: Path) -> None:
    record = read_record(file, kind="pv", production=True)
    assert [each.name for each in record.channels] == ["a", "b"]
    np.testing.assert_allclose(record.values, -batch_of(days=50).history)
    assert (record.step, list(record.inputs)) == (timedelta(hours=1), ["temperature_c"])


@pytest.fixture
def channel(people: People) -> Channel:
    """A load that was measured each hour for twelve days: the value is the hour of the day in UTC."""
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        site = SiteFactory(organization=people.a, slug="home")
        ElectricLoadFactory(site=site)
        reference = Reference(site="home", asset="load", quantity="power_kw")
        found: Channel = ensure_channels(organization=people.a, references=[reference])[0]
        now = timezone.now().replace(minute=0, second=0, microsecond=0)
        hours = [now - back * HOUR for back in range(12 * 24, 0, -1)]
        times = [microseconds(hour) for hour in hours]
        values = [float(hour.hour) for hour in hours]
        store_readings(batch=ReadingBatch.of([found.pk] * len(times), times, values, times))
    return found


def test_a_channel_is_measured_by_its_readings(channel: Channel, people: People) -> None:
    """What is the same each day is forecast without an error, by those that have enough history."""
    words = ["--channel", str(channel.pk), "--organization", people.a.slug, "--days", "2", *MODELS]
    lines = league(*words).splitlines()
    naive = next(line for line in lines if "yesterday" in line)
    assert "0.00" in naive.split("│")[2]
    assert "1 of 1" in naive
    assert any("ridge" in line and "too short" in line for line in lines)


def test_a_channel_of_another_organization_does_not_exist(channel: Channel, people: People) -> None:
    with pytest.raises(CommandError, match=f"has no channel {channel.pk}"):
        league("--channel", str(channel.pk), "--organization", people.b.slug)


def test_an_unknown_model_is_named(file: Path) -> None:
    with pytest.raises(CommandError, match="model: 'oracle' is none of yesterday"):
        league("--data", str(file), "--models", "oracle")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("series,time\na,2026-01-01\n", "has no column 'y'"),
        ("series,time,y\na,soon,1\n", "no time or no number"),
        ("series,time,y\na,2026-01-01,1\n", "1 time steps; at least 2"),
        ("series,time,y\na,2026-01-01 00:00,1\na,2026-01-01 01:00,1\n", "no whole day"),
    ],
)
def test_a_file_of_another_shape_is_one_line_that_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(CommandError, match=message):
        league("--data", str(path))
