"""Reading what OpenTUMFlex writes, writing what it reads, and converting between both without losing a digit."""

from dataclasses import fields
from io import BytesIO

import numpy as np
import pytest
from openpyxl import load_workbook

from optimization.scenarios import FORMATS, Content, read_bytes, read_file, sample, template
from tests.optimization.scenarios.reference import INPUT, needs_reference

CSV = template("csv").decode()


def numbers(content: Content) -> dict[str, list[float]]:
    series = {field.name: getattr(content.series, field.name) for field in fields(content.series)}
    return {name: values.tolist() for name, values in series.items() if isinstance(values, np.ndarray)}


def values(content: Content) -> dict[str, dict[str, float]]:
    return {
        device: {name: parameter.value for name, parameter in parameters.items()}
        for device, parameters in content.parameters.items()
    }


def assert_same(one: Content, other: Content) -> None:
    assert numbers(one) == numbers(other)
    assert values(one) == values(other)


def test_csv_and_xlsx_hold_exactly_the_same() -> None:
    content = read_bytes(CSV.encode(), "a.csv")
    there = read_bytes(FORMATS["xlsx"].write(content), "a.xlsx")
    back = read_bytes(FORMATS["csv"].write(there), "a.csv")
    assert_same(content, there)
    assert FORMATS["csv"].write(back) == CSV.encode()


@needs_reference
def test_the_reference_file_survives_a_round_trip() -> None:
    content = read_file(INPUT)
    assert content.series.rows == 96
    assert sum(len(parameters) for parameters in content.parameters.values()) == 25
    assert content.parameters["ev"]["endSOC"].value == 90
    assert content.series.electric_load_kw.sum() / 4 == pytest.approx(22.669154354354372, abs=1e-9)
    assert_same(content, read_bytes(FORMATS["xlsx"].write(content), "a.xlsx"))


@needs_reference
def test_the_written_csv_has_the_lines_of_the_original() -> None:
    original = INPUT.read_bytes().replace(b"\r\r\n", b"\r\n")
    assert FORMATS["csv"].write(read_file(INPUT)) == original


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_any_line_end(line_end: str) -> None:
    assert_same(read_bytes(CSV.replace("\r\n", line_end).encode(), "a.csv"), sample("winter"))


def test_decimal_commas_and_a_byte_order_mark() -> None:
    assert_same(read_bytes(b"\xef\xbb\xbf" + CSV.replace(".", ",").encode(), "a.csv"), sample("winter"))


def test_blocks_and_columns_in_any_order() -> None:
    lines = CSV.splitlines()
    turned = [lines[0], *lines[26:], *lines[1:26]]
    order = [0, 10, 3, 9, 4, 8, 5, 7, 6, 1, 2]
    moved = [";".join(line.split(";")[place] for place in order) for line in turned]
    assert_same(read_bytes("\n".join(moved).encode(), "a.csv"), sample("winter"))


def test_series_only_in_the_forecast_layout_of_the_original() -> None:
    lines = CSV.splitlines()
    names = lines[0].split(";")[3:]
    order = sorted(range(len(names)), key=lambda place: names[place])
    header = ";0;1;" + ";".join(names[place] for place in order)
    empty = [f"{row}{';' * 10}" for row in range(96)]
    data = [
        f"{row};;;" + ";".join(line.split(";")[3 + place] for place in order) for row, line in enumerate(lines[26:])
    ]
    content = read_bytes("\n".join([header, *empty, *data]).encode(), "a.csv")
    assert not content.parameters
    assert numbers(content) == numbers(sample("winter"))


@pytest.mark.parametrize(("rows", "keep"), [(24, slice(None, None, 4)), (48, slice(None, None, 2))])
def test_hourly_and_half_hourly_rows(rows: int, keep: slice) -> None:
    lines = CSV.splitlines()
    kept = [f"{label};{line.split(';', 1)[1]}" for label, line in enumerate(lines[26:][keep])]
    assert read_bytes("\n".join([*lines[:26], *kept]).encode(), "a.csv").series.rows == rows


def test_the_workbook_has_the_two_sheets_of_the_original() -> None:
    workbook = load_workbook(BytesIO(template("xlsx")))
    assert workbook.sheetnames == ["properties", "time_series"]
    assert [cell.value for cell in workbook["properties"][1]] == ["device", "parameter", "value"]
    assert [cell.value for cell in workbook["time_series"][1]][1:] == CSV.splitlines()[0].split(";")[3:]
    assert "kWh" in workbook["properties"]["B2"].comment.text


def test_first_column_and_further_sheets_of_a_workbook_are_ignored() -> None:
    workbook = load_workbook(BytesIO(template("xlsx")))
    workbook.create_sheet("notes")["A1"] = "anything"
    for row in range(2, 98):
        workbook["time_series"][f"A{row}"] = "quarter-hour"
    file = BytesIO()
    workbook.save(file)
    assert_same(read_bytes(file.getvalue(), "a.xlsx"), sample("winter"))
