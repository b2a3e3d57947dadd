"""What every market's exporter brings: its parameters, its files, and sheets where the market takes workbooks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd

from flexmarket.engine.errors import OfferError
from flexmarket.engine.table import FlexTable
from optimization.engine.horizon import Horizon

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Tables = Mapping[str, FlexTable]
Files = dict[str, bytes]
Sheets = dict[str, pd.DataFrame]
ParametersT = TypeVar("ParametersT", bound="DataclassInstance")


@dataclass(frozen=True, kw_only=True)
class Exporter(Generic[ParametersT]):
    """A market's exporter.

    `parameters` is a frozen dataclass that checks its own values. `files` returns one text file per table, by file
    name; `sheets`, where the market takes workbooks, one data frame per table by file name without its ending.
    """

    parameters: type[ParametersT]
    files: Callable[[Tables, Horizon, ZoneInfo, ParametersT], Files]
    sheets: Callable[[Tables, Horizon, ZoneInfo, ParametersT], Sheets] | None = None

    def checked(self, values: Mapping[str, Any]) -> ParametersT:
        """Return the parameters made of `values`.

        Raises:
            OfferError: for a parameter that the market does not have, or a value that it does not allow.
        """
        known = [field.name for field in fields(self.parameters)]
        for name, value in values.items():
            if name not in known:
                raise OfferError(f"parameter {name}", value, "one of " + ", ".join(known))
        return self.parameters(**values)


def check_lengths(tables: Tables, horizon: Horizon) -> None:
    """Refuse a table of another length than the horizon.

    Raises:
        OfferError: names the device.
    """
    for name, table in tables.items():
        if len(table) != horizon.count:
            raise OfferError(f"table of {name}", f"{len(table)} steps", f"{horizon.count} steps, as the horizon has")
