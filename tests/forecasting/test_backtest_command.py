import gzip
from datetime import timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from forecasting.record_files import read_record
from tests.forecasting.engine.batches import batch_of

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
