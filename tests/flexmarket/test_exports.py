"""Offer files for download."""

from io import BytesIO
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from flexmarket.engine.errors import OfferError
from flexmarket.exports import offer_files
from tests.flexmarket.engine.sites import horizon
from tests.flexmarket.engine.tables import small_table

BERLIN = ZoneInfo("Europe/Berlin")
TABLES = {"bat": small_table()}


def test_comax_workbooks_hold_the_numbers_of_the_text_files() -> None:
    files = offer_files("comax", TABLES, horizon(2), BERLIN, ("csv", "xlsx"))
    assert list(files) == ["bat_flex_offers.csv", "bat_flex_offers.xlsx"]
    sheet = openpyxl.load_workbook(BytesIO(files["bat_flex_offers.xlsx"]))["offers"]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == ["Time", "Sch_P", "Neg_P", "Pos_P", "Neg_E", "Pos_E", "Neg_Pr", "Pos_Pr"]
    assert rows[2] == ["2026-01-12T02:00+01:00", -1.5, -1 / 3, 1.5, -0.25, 0.375, -0.2, 0.28456]


def test_parameters_reach_the_workbook() -> None:
    (data,) = offer_files("comax", TABLES, horizon(2), BERLIN, ("xlsx",), layout="reference").values()
    assert openpyxl.load_workbook(BytesIO(data)).active["A1"].value == "Sch_P"  # type: ignore[index,union-attr]


def test_alf_takes_no_workbook_and_nobody_takes_pdf() -> None:
    with pytest.raises(OfferError, match="format for alf is xlsx; allowed: csv"):
        offer_files("alf", TABLES, horizon(2), BERLIN, ("xlsx",))
    with pytest.raises(OfferError, match="format for comax is pdf; allowed: csv, xlsx"):
        offer_files("comax", TABLES, horizon(2), BERLIN, ("pdf",))
