"""A market's files of a filtered selection: one folder per site where there are several."""

from collections import defaultdict
from dataclasses import replace
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np

from flexmarket.board.selection import DIRECTIONS, QUANTITIES, Wanted, newest_runs, offers_of
from flexmarket.engine.exporters import export
from flexmarket.engine.table import FlexTable
from flexplatform.accounts.models import Organization


def archive_of_selection(organization: Organization, wanted: Wanted, market: str, direction: str = "") -> bytes | None:
    """Return the files as a ZIP archive; None where nothing is offered.

    With a `direction`, the offers of the other one are left out.
    """
    runs = newest_runs(organization, wanted)
    tables: dict[int, dict[str, FlexTable]] = defaultdict(dict)
    for row in offers_of(runs, wanted):
        table = _of_direction(row.table, direction)
        if table.offers_anything:
            tables[row.run_id][row.device] = table
    if not tables:
        return None
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for run_id, of_run in tables.items():
            run = runs[run_id]
            folder = "" if len(tables) == 1 else f"{run.site.slug}/"
            for name, content in export(market, of_run, run.horizon, run.site.zone).items():
                file.writestr(f"{folder}{name}", content)
    return archive.getvalue()


def _of_direction(table: FlexTable, direction: str) -> FlexTable:
    if not direction:
        return table
    other = next(each for each in DIRECTIONS if each != direction)
    nothing: dict[str, Any] = {f"{other}_{quantity}": np.zeros(len(table)) for quantity in QUANTITIES}
    return replace(table, **nothing)
