"""Offer files for download: a market's text files, and workbooks where the market takes them."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exporters import Files, Tables, export, exporter
from optimization.engine.horizon import Horizon

SHEET = "offers"


def offer_files(
    market: str,
    tables: Tables,
    horizon: Horizon,
    zone: ZoneInfo,
    formats: Iterable[str] = ("csv",),
    **parameters: Any,
) -> Files:
    """Return a market's files in the formats asked for ("csv", "xlsx"), by file name.

    Raises:
        OfferError: for an unknown market or parameter, or a format that the market does not take.
    """
    writers = {"csv": export}
    if exporter(market).sheets is not None:
        writers["xlsx"] = export_workbooks
    files: Files = {}
    for name in formats:
        if name not in writers:
            raise OfferError(f"format for {market}", name, ", ".join(writers))
        files |= writers[name](market, tables, horizon, zone, **parameters)
    return files


def export_workbooks(market: str, tables: Tables, horizon: Horizon, zone: ZoneInfo, **parameters: Any) -> Files:
    """Return a market's workbooks, one per device with the sheet "offers", by file name.

    Raises:
        OfferError: for an unknown market or parameter, or a market that takes no workbooks.
    """
    chosen = exporter(market)
    if chosen.sheets is None:
        raise OfferError(f"format for {market}", "xlsx", "csv")
    frames = chosen.sheets(tables, horizon, zone, chosen.checked(parameters))
    return {f"{stem}.xlsx": _workbook(frame) for stem, frame in frames.items()}


def _workbook(frame: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.to_excel(buffer, sheet_name=SHEET, index=False, freeze_panes=(1, 0))
    return buffer.getvalue()
