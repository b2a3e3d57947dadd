"""Every way to get a file wrong gives one line that names place, value and what is allowed."""

import zipfile
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from optimization.scenarios import InputError, read_bytes, read_file, template

CSV = template("csv").decode()
HEAD = CSV.splitlines()[0]
NUMBERS = {
    "kW": "a number of at least 0 and at most 1e+06 (kW)",
    "PRICE": "a number of at least -10 and at most 10 (EUR/kWh)",
}
HEADINGS = (
    "parameter, value, temperature, solar_power, load_heat, load_elec, ele_price_in, gas_price, ele_price_out, "
    "ev_aval, wind_power, fuel_price"
)
REQUIRED = "temperature, solar_power, load_heat, load_elec, ele_price_in, gas_price, ele_price_out, ev_aval"
DEVICES = "sto, boiler, chp, hp, pv, bat, ev"
ROWS = "96 rows, one per 15 minutes of the day (or 24 of 60, 48 of 30, 144 of 10, 288 of 5 minutes)"
WORKBOOK = "an XLSX workbook (not .xls, not protected by a password)"


def edited(row: int, field: int, text: str) -> str:
    """Return the template with one field (counted from 0) of one row replaced."""
    lines = CSV.splitlines()
    fields = lines[row - 1].split(";")
    fields[field] = text
    return "\n".join([*lines[: row - 1], ";".join(fields), *lines[row:]])


def without_row(row: int) -> str:
    lines = CSV.splitlines()
    return "\n".join(lines[: row - 1] + lines[row:])


def with_row(row: int, line: str) -> str:
    lines = CSV.splitlines()
    return "\n".join([*lines[: row - 1], line, *lines[row - 1 :]])


def without_column(heading: str) -> str:
    place = HEAD.split(";").index(heading)
    return "\n".join(";".join(f for i, f in enumerate(line.split(";")) if i != place) for line in CSV.splitlines())


BROKEN_CSV: dict[str, tuple[str | bytes, str]] = {
    "empty file": ("", f"empty; allowed: the headings {HEADINGS}"),
    "blank lines only": ("\n\n  \n", f"empty; allowed: the headings {HEADINGS}"),
    "headings only": (HEAD, "no rows of series; allowed: 96 rows, one per 15 minutes of the day"),
    "comma instead of semicolon": (CSV.replace(";", ","), "row 1: no ; in the file; allowed: fields separated by ;"),
    "missing column": (without_column("load_heat"), f"row 1: no column load_heat; allowed: the headings {REQUIRED}"),
    "missing value column": (without_column("value"), "row 1: no column value; allowed: the headings parameter, value"),
    "unknown heading": (
        CSV.replace("load_elec", "load_electric", 1),
        f"row 1: unknown heading 'load_electric'; allowed: the headings {HEADINGS}",
    ),
    "heading twice": (
        CSV.replace("load_elec", "load_heat", 1),
        "row 1, column load_heat: this heading stands there twice; allowed: each heading once",
    ),
    "value without heading": (
        edited(30, 10, "1.0;7"),
        "row 30: a value in field 12, which has no heading; allowed: values under a heading",
    ),
    "text in a number": (
        edited(30, 6, "lots"),
        f"row 30, column load_elec: 'lots' is not a number; allowed: {NUMBERS['kW']}",
    ),
    "NaN": (edited(31, 6, "NaN"), f"row 31, column load_elec: 'NaN' is not a number; allowed: {NUMBERS['kW']}"),
    "infinity": (
        edited(31, 7, "inf"),
        f"row 31, column ele_price_in: 'inf' is not a number; allowed: {NUMBERS['PRICE']}",
    ),
    "too large for a float": (
        edited(31, 7, "1e999"),
        f"row 31, column ele_price_in: inf is out of range; allowed: {NUMBERS['PRICE']}",
    ),
    "two separators in a number": (
        edited(31, 6, "1.234,5"),
        f"row 31, column load_elec: '1.234,5' is not a number; allowed: {NUMBERS['kW']}",
    ),
    "empty cell": (edited(40, 5, ""), f"row 40, column load_heat: empty; allowed: {NUMBERS['kW']}"),
    "short row": (edited(40, 10, "").rstrip(";"), "row 40, column ev_aval: empty; allowed: 0 or 1"),
    "negative load": (
        edited(33, 6, "-0.2"),
        f"row 33, column load_elec: -0.2 is out of range; allowed: {NUMBERS['kW']}",
    ),
    "price in cent": (
        edited(35, 7, "28.3"),
        f"row 35, column ele_price_in: 28.3 is out of range; allowed: {NUMBERS['PRICE']}",
    ),
    "half a car": (edited(36, 10, "0.5"), "row 36, column ev_aval: 0.5 is out of range; allowed: 0 or 1"),
    "Kelvin": (
        edited(36, 3, "275.15"),
        "row 36, column temperature: 275.15 is out of range; allowed: a number of at least -60 and at most 60 (°C)",
    ),
    "negative capacity": (
        edited(2, 2, "-12"),
        "row 2, column value: -12 is out of range; allowed: a number of at least 0 and at most 1e+06 (kWh)",
    ),
    "efficiency in percent": (
        edited(10, 2, "96"),
        "row 10, column value: 96 is out of range; allowed: a number of more than 0 and at most 1.1 (share)",
    ),
    "parameter without value": (
        edited(3, 2, ""),
        "row 3, column value: empty; allowed: a number of at least 0 and at most 100 (%)",
    ),
    "unknown device": (edited(2, 0, "battery"), f"row 2: unknown device 'battery'; allowed: {DEVICES}"),
    "no device": (edited(2, 0, ""), f"row 2: no device; allowed: {DEVICES}"),
    "unknown parameter": (
        edited(19, 1, "power"),
        "row 19, column parameter: unknown parameter 'power' of device bat; "
        "allowed: stocap, eta, minpow, maxpow, initSOC",
    ),
    "value without parameter": (
        edited(19, 1, ""),
        "row 19, column parameter: empty; allowed: stocap, eta, minpow, maxpow, initSOC",
    ),
    "parameter twice": (
        with_row(3, "sto;stocap;9;;;;;;;;"),
        "row 3, column value: sto stocap stands there twice, first in row 2; allowed: each parameter once",
    ),
    "series row twice": (
        with_row(60, CSV.splitlines()[58]),
        "row 60: the row label '32' stands there twice, first in row 59; allowed: each row once",
    ),
    "rows out of order": (
        edited(61, 0, "400"),
        "row 61: the row label is 400; allowed: 34, so that no row is missing",
    ),
    "a row missing": (without_row(119), "row 119: the row label is 93; allowed: 92, so that no row is missing"),
    "95 rows": (without_row(122), f"row 121: 95 rows of series; allowed: {ROWS}"),
    "97 rows": (CSV + "96" + CSV.splitlines()[-1][2:], f"row 123: 97 rows of series; allowed: {ROWS}"),
    "quote never closed": (
        edited(50, 3, '"1'),
        "row 50: unreadable (unexpected end of data); allowed: fields separated by ;",
    ),
    "Latin-1": (
        edited(50, 0, "Ä").encode("latin-1"),
        "row 50: unreadable byte 0xC4; allowed: text in UTF-8 (in a spreadsheet: save as CSV UTF-8)",
    ),
    "UTF-16": (CSV.encode("utf-16"), "not text; allowed: text in UTF-8 (in a spreadsheet: save as CSV UTF-8)"),
    "binary": (bytes(range(256)), "not text; allowed: text in UTF-8 (in a spreadsheet: save as CSV UTF-8)"),
    "too many lines": ("a;b\n" * 5000, "too many lines; allowed: at most 4000 lines"),
}


@pytest.mark.parametrize("name", BROKEN_CSV)
def test_broken_csv(name: str) -> None:
    content, message = BROKEN_CSV[name]
    data = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(InputError) as error:
        read_bytes(data, "house.csv")
    separator = ", " if message.startswith("row") else ": "
    assert str(error.value) == f"house.csv{separator}{message}"


def changed(change: Callable[[Any], object]) -> bytes:
    """Return the template workbook after `change`."""
    workbook = load_workbook(BytesIO(template("xlsx")))
    change(workbook)
    file = BytesIO()
    workbook.save(file)
    return file.getvalue()


def cell(sheet: str, address: str, value: object) -> bytes:
    return changed(lambda workbook: workbook[sheet].__setitem__(address, value))


def emptied(sheet: str) -> bytes:
    return changed(lambda workbook: workbook[sheet].delete_rows(1, 500))


def archive(**parts: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return file.getvalue()


def declaring_less(data: bytes, size: int) -> bytes:
    """Return a ZIP whose only part says it unpacks to `size` bytes."""
    directory = data.rindex(b"PK\x01\x02")
    changed_data = bytearray(data)
    changed_data[22:26] = changed_data[directory + 24 : directory + 28] = size.to_bytes(4, "little")
    return bytes(changed_data)


BOMB = archive(**{"xl/workbook.xml": b"0" * 60_000_000})

BROKEN_XLSX: dict[str, tuple[bytes, str]] = {
    "not a zip": (CSV.encode(), f": not an XLSX workbook; allowed: {WORKBOOK}"),
    "empty": (b"", f": not an XLSX workbook; allowed: {WORKBOOK}"),
    "a zip of something else": (archive(hello=b"world"), f": not an XLSX workbook; allowed: {WORKBOOK}"),
    "cut off": (template("xlsx")[:-200], f": not an XLSX workbook; allowed: {WORKBOOK}"),
    "zip bomb": (BOMB, ": unpacks to more than it should; allowed: at most 500 parts and 20 MB"),
    "zip bomb that lies": (declaring_less(BOMB, 1000), f": not an XLSX workbook; allowed: {WORKBOOK}"),
    "many parts": (
        archive(**{f"part{number}": b"" for number in range(600)}),
        ": unpacks to more than it should; allowed: at most 500 parts and 20 MB",
    ),
    "XML entities": (
        archive(**{"xl/workbook.xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}),
        f": xl/workbook.xml declares XML entities; allowed: {WORKBOOK}",
    ),
    "missing sheet": (
        changed(lambda workbook: workbook.remove(workbook["time_series"])),
        ": no sheet time_series; allowed: the sheets properties and time_series",
    ),
    "empty series sheet": (
        emptied("time_series"),
        f", sheet time_series: empty; allowed: the headings {HEADINGS.removeprefix('parameter, value, ')}",
    ),
    "empty parameter sheet": (
        emptied("properties"),
        ", sheet properties: empty; allowed: the headings parameter, value",
    ),
    "missing column": (
        changed(lambda workbook: workbook["time_series"].delete_cols(4)),
        f", sheet time_series, row 1: no column load_heat; allowed: the headings {REQUIRED}",
    ),
    "text in a number": (
        cell("time_series", "E7", "lots"),
        f", sheet time_series, row 7, column load_elec: 'lots' is not a number; allowed: {NUMBERS['kW']}",
    ),
    "date in a number": (
        cell("time_series", "E7", datetime(2026, 1, 2)),
        ", sheet time_series, row 7, column load_elec: '2026-01-02 00:00:00' is not a number; "
        f"allowed: {NUMBERS['kW']}",
    ),
    "truth value in a number": (
        cell("properties", "C3", True),
        ", sheet properties, row 3, column value: True is not a number; "
        "allowed: a number of at least 0 and at most 100 (%)",
    ),
    "formula never calculated": (
        cell("time_series", "E7", "=1+1"),
        f", sheet time_series, row 7, column load_elec: empty; allowed: {NUMBERS['kW']}",
    ),
    "unknown device": (
        cell("properties", "A5", "wind"),
        f", sheet properties, row 5: unknown device 'wind'; allowed: {DEVICES}",
    ),
    "95 rows": (
        changed(lambda workbook: workbook["time_series"].delete_rows(50)),
        f", sheet time_series, row 96: 95 rows of series; allowed: {ROWS}",
    ),
    "a value far below": (
        cell("time_series", "B900000", 1),
        ", sheet time_series: too large; allowed: at most 4000 rows and 50 columns",
    ),
}


@pytest.mark.parametrize("name", BROKEN_XLSX)
def test_broken_xlsx(name: str) -> None:
    data, message = BROKEN_XLSX[name]
    with pytest.raises(InputError) as error:
        read_bytes(data, "house.xlsx")
    assert str(error.value) == f"house.xlsx{message}"


def test_an_empty_workbook_lacks_its_sheets() -> None:
    file = BytesIO()
    Workbook().save(file)
    with pytest.raises(InputError, match="no sheet properties; allowed: the sheets properties and time_series"):
        read_bytes(file.getvalue(), "house.xlsx")


BROKEN_PATHS = {
    "house.xls": "house.xls: unknown ending '.xls'; allowed: a file name ending in .csv or .xlsx",
    "house": "house: no ending; allowed: a file name ending in .csv or .xlsx",
    "missing.csv": "missing.csv: cannot be read (No such file or directory); allowed: a readable file",
    "folder.csv": "folder.csv: cannot be read (Is a directory); allowed: a readable file",
}


@pytest.mark.parametrize("name", BROKEN_PATHS)
def test_broken_path(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError) as error:
        read_file(tmp_path / name)
    assert str(error.value) == BROKEN_PATHS[name]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_fifty_megabytes_of_junk_are_not_even_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"junk.{suffix}"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(InputError) as error:
        read_file(path)
    assert str(error.value) == f"junk.{suffix}: 50.0 MB large; allowed: at most 5 MB"


def test_every_message_is_one_line() -> None:
    with pytest.raises(InputError) as error:
        read_bytes(edited(2, 0, '"sto ' + "x" * 500 + '"').encode(), "house.csv")
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 200
