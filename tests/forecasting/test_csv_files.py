from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecasting.columns import Column, column_of, grouped
from forecasting.csv_files import FileProblem, read

BERLIN = ZoneInfo("Europe/Berlin")


def wrong(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(FileProblem) as caught:
        read(text, BERLIN)
    return [(each.line, each.column) for each in caught.value.found]


@pytest.mark.parametrize(
    "text",
    [
        "time,a.b\n2026-11-21 00:00,1.5\n2026-11-21 00:15,2\n",
        "time,a.b\n2026-11-20T23:00:00Z,1.5\n2026-11-21T00:15+01:00,2\n",
        "\ufefftime;a.b\r\n21.11.2026 00:00;1,5\r\n21.11.2026 00:15;2,0\r\n\r\n",
        "time\ta.b\n2026-11-21 00:00\t1.5\n2026-11-21 00:15\t2\n",
    ],
)
def test_files_of_all_manners_say_the_same(text: str) -> None:
    table = read(text.encode(), BERLIN)
    assert table.grid.start == datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert (table.grid.step, table.grid.count) == (timedelta(minutes=15), 2)
    np.testing.assert_array_equal(table.columns["a.b"], [1.5, 2])


def test_the_hour_that_the_clock_shows_twice_is_two_hours() -> None:
    hours = ["01:00", "02:00", "02:00", "03:00"]
    table = read("time,a.b\n" + "".join(f"2026-10-25 {hour},1\n" for hour in hours), BERLIN)
    assert table.grid.count == 4
    assert table.grid.end == datetime(2026, 10, 25, 3, tzinfo=UTC)


def test_the_hour_that_the_clock_leaves_out_does_not_exist() -> None:
    assert wrong("time,a.b\n2026-03-29 01:00,1\n2026-03-29 02:00,1\n") == [(3, "time")]
    table = read("time,a.b\n2026-03-29 01:00,1\n2026-03-29 03:00,1\n", BERLIN)
    assert table.grid.step == timedelta(hours=1)


def test_everything_wrong_is_said_at_once() -> None:
    text = "time,a.b,c.d\n2026-11-21 00:00,x,1\nsoon,1,nan\n2026-11-21 00:30,,1\n"
    assert wrong(text) == [(2, "a.b"), (3, "time"), (3, "c.d"), (4, "a.b")]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", [(1, "")]),
        ("time\n", [(1, "")]),
        ("start,a.b\n1,2\n", [(1, "")]),
        ("time,a.b,a.b\n", [(1, "a.b")]),
        ("time,a.b\n2026-11-21 00:00,1\n", [(0, "")]),
        ("time,a.b\n2026-11-21 00:00,1,2\n", [(2, "")]),
        ("time,a.b\n2026-11-21 00:00,1\n2026-11-21 00:07,1\n", [(3, "time")]),
        ("time,a.b\n2026-11-21 00:15,1\n2026-11-21 00:00,1\n", [(3, "time")]),
        ("time,a.b\n2026-11-21 00:00,1\n2026-11-21 00:15,1\n2026-11-21 00:45,1\n", [(4, "time")]),
        (b"time,a.b\n\xff,1\n", [(0, "")]),
        ('time,"a.b\n', [(0, "")]),
        ("x" * 2_000_001, [(0, "")]),
    ],
)
def test_what_is_no_table_is_refused_where_it_is_wrong(text: str | bytes, where: list[tuple[int, str]]) -> None:
    assert wrong(text) == where


def test_columns_name_device_quantity_and_quantile() -> None:
    assert column_of("pv.power_kw") == Column("pv", "power_kw")
    assert column_of("roof.east.power_kw.p90") == Column("roof.east", "power_kw", 0.9)
    assert column_of("site.ambient_temperature_c") == Column("", "ambient_temperature_c")
    assert column_of("home/pv.power_kw", with_site=True) == Column("pv", "power_kw", site="home")


@pytest.mark.parametrize("name", ["", "pv", "pv.", ".power_kw", "pv.power kw", "pv.power_kw.p15!"])
def test_other_columns_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="allowed: <device>"):
        column_of(name)


def test_quantiles_join_the_mean_that_they_belong_to() -> None:
    names = ["a.b", "a.b.p10", "c.d"]
    assert list(grouped({name: column_of(name) for name in names}).values()) == [
        {None: "a.b", 0.1: "a.b.p10"},
        {None: "c.d"},
    ]
    with pytest.raises(ValueError, match="quantiles only"):
        grouped({"a.b.p10": column_of("a.b.p10")})
